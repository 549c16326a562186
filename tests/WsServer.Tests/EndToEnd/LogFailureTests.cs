using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>A log that cannot be written, as on a full disk.</summary>
public class LogFailureTests
{
    [Fact]
    public async Task A_log_that_throws_at_every_message_harms_no_client()
    {
        var log = new FullDisk();
        await using EventServerHost host = await EventServerHost.StartAsync(
            io =>
            {
                io.On("fail", void (_) => throw new InvalidOperationException("on purpose"));
                io.OnRaw("echo", (_, data) => data);
                io.OnDisconnect((_, _) => throw new InvalidOperationException("on purpose"));
            },
            services: builder => builder.Services.AddSingleton<ILoggerProvider>(log));
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync("fail")).GetProperty("error").GetProperty("code").GetString().Should().Be("internal_error");
        (await client.AskAsync("echo", "1")).GetProperty("data").GetInt32().Should().Be(1);
        await using (EventClient broken = await EventClient.ConnectAsync(host))
        {
            broken.Abort();
        }

        await Within.UntilAsync(() => host.Io.ConnectionCount == 1, "the other connection is gone");
        (await client.AskAsync("echo", "2")).GetProperty("data").GetInt32().Should().Be(2);
        log.Failures.Should().BePositive();
        await client.CloseAsync();
    }

    [LinuxFact]
    public async Task The_application_serves_on_when_its_output_goes_to_a_full_disk()
    {
        const string Full = "/dev/full";
        int port = FreePort.Find();
        await using RunningProcess process = RunningProcess.Start(
            "/bin/sh", ["-c", $"exec dotnet exec '{App.Program}' --urls http://127.0.0.1:{port} --Logging:LogLevel:Default=Trace --Logging:LogLevel:Microsoft.AspNetCore=Trace > {Full}"]);
        var address = new Uri($"http://127.0.0.1:{port}");
        using var http = new HttpClient();
        await Within.UntilAsync(() => IsUp(http, address), "the application answers");

        for (int i = 0; i < 20; i++)
        {
            await using EventClient client = await EventClient.OpenAsync(new Uri($"ws://127.0.0.1:{port}/"));
            await client.WelcomedAsync();
            (await client.AskAsync("messageAndAck", "1")).GetProperty("data").GetProperty("ok").GetBoolean().Should().BeTrue();
        }

        (await process.StopAsync()).Should().Be(0);
    }

    private static bool IsUp(HttpClient http, Uri address)
    {
        try
        {
            using HttpResponseMessage response = http.Send(new HttpRequestMessage(HttpMethod.Get, new Uri(address, "/status")));
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private sealed class FullDisk : ILoggerProvider, ILogger
    {
        private int _failures;

        public int Failures => _failures;

        public ILogger CreateLogger(string categoryName) => categoryName.StartsWith("WsServer", StringComparison.Ordinal) ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Interlocked.Increment(ref _failures);
            throw new IOException("No space left on device");
        }

        public void Dispose()
        {
        }
    }
}
