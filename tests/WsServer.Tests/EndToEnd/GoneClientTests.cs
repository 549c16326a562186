using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Ordinary HTTP handlers whose client goes away, although they never let go of their thread.</summary>
public class GoneClientTests
{
    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    [InlineData(Wiring.Tls)]
    [InlineData(Wiring.PipedTls)]
    public async Task A_handler_that_computes_learns_that_its_client_has_gone(Wiring wiring)
    {
        var started = new TaskCompletionSource();
        var learned = new TaskCompletionSource<bool>();
        await using EventServerHost host = await wiring.StartAsync(endpoints: app => app.MapGet("/busy", context =>
        {
            started.SetResult();
            learned.SetResult(SpinWait.SpinUntil(() => context.RequestAborted.IsCancellationRequested, Within.Reason / 2));
            return Task.CompletedTask;
        }));
        using RawHttp http = await RawHttp.ConnectAsync(host.Http);
        await http.SendAsync(RawHttp.Get("/busy"));
        await Within.TimeAsync(started.Task, "the handler");
        http.Reset();

        (await Within.TimeAsync(learned.Task, "the end of the handler")).Should().BeTrue();
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    [InlineData(Wiring.Tls)]
    [InlineData(Wiring.PipedTls)]
    public async Task A_response_that_nothing_holds_up_ends_with_its_client(Wiring wiring)
    {
        var started = new TaskCompletionSource();
        using var gone = new ManualResetEventSlim();
        var ended = new TaskCompletionSource<bool>();
        await using EventServerHost host = await wiring.StartAsync(endpoints: app => app.MapGet("/endless", async context =>
        {
            started.SetResult();
            gone.Wait(Within.Reason);
            using var patience = new CancellationTokenSource(Within.Reason / 2);
            try
            {
                while (!patience.IsCancellationRequested)
                {
                    await context.Response.Body.WriteAsync(new byte[100], context.RequestAborted);
                }
            }
            catch (OperationCanceledException)
            {
                ended.SetResult(true);
            }

            ended.TrySetResult(false);
        }));
        using RawHttp http = await RawHttp.ConnectAsync(host.Http);
        await http.SendAsync(RawHttp.Get("/endless"));
        await Within.TimeAsync(started.Task, "the handler");
        http.Reset();
        gone.Set();

        (await Within.TimeAsync(ended.Task, "the end of the response")).Should().BeTrue();
    }
}
