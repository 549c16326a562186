using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using WsServer.Diagnostics;

namespace WsServer.Hosting;

/// <summary>
/// Ends the event server before the web server stops, so that clients are told, and what runs for them may finish
/// within the host's shutdown timeout.
/// </summary>
internal sealed class EventServerShutdown(EventServer server, IOptions<HostOptions> host, TimeProvider time) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        server.Places.Report();
        await (server.RecoveryFile?.LoadAsync(cancellationToken) ?? Task.CompletedTask).ConfigureAwait(false);

        // Before clients come, so that from the first they share their rooms.
        await (server.Runtime.Node?.StartAsync(cancellationToken) ?? Task.CompletedTask).ConfigureAwait(false);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // The host's time is for all: what is kept back is for saying goodbye.
        TimeSpan total = host.Value.ShutdownTimeout;
        TimeSpan goodbye = TimeSpan.FromTicks(Math.Min(server.Runtime.Options.CloseTimeout.Ticks, total.Ticks / 4));
        TimeSpan delay = TimeSpan.FromTicks(Math.Min(server.Runtime.Options.DrainDelay.Ticks, total.Ticks / 2));
        server.Runtime.IsReady = false;
        if (delay > TimeSpan.Zero)
        {
            server.Runtime.Logger.NotReady(delay.TotalSeconds);
            await Task.Delay(delay, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        using var timeout = new CancellationTokenSource(total - delay - goodbye, time);
        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        await server.DrainAsync(quiet.Token).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await HandOverAsync(goodbye, cancellationToken).ConfigureAwait(false);
        await (server.RecoveryFile?.SaveAsync() ?? Task.CompletedTask).ConfigureAwait(false);
        await (server.Runtime.Node?.StopAsync() ?? Task.CompletedTask).ConfigureAwait(false);
    }

    // What is left of the time: the connections have said goodbye by now.
    private async Task HandOverAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        if (server.Runtime.Moves is { } moves)
        {
            using var time = new CancellationTokenSource(atMost, server.Runtime.Time);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
            await moves.HandOver().RunAsync(ended.Token).ConfigureAwait(false);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
