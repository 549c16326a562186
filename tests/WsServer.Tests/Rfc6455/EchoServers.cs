using System.Collections.Concurrent;
using WsServer.Connections;
using WsServer.Hosting;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Rfc6455;

/// <summary>
/// Servers that send every message back as it came, over the transport of the event server: what any WebSocket test
/// suite expects of a server. One for each wiring, shared by the tests.
/// </summary>
public sealed class EchoServers : IAsyncLifetime
{
    public const string Path = "/echo";

    /// <summary>The longest message that is sent back.</summary>
    public const int MaxMessageBytes = 16 * 1024 * 1024;

    private readonly ConcurrentDictionary<(Wiring, bool), Lazy<Task<EventServerHost>>> _hosts = new();
    private readonly ConcurrentQueue<Exception> _faults = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (Lazy<Task<EventServerHost>> host in _hosts.Values)
        {
            EventServerHost ended = await host.Value;
            await ended.DisposeAsync();
            foreach (LogEntry error in ended.Log.Errors)
            {
                _faults.Enqueue(new InvalidOperationException(error.Message, error.Exception));
            }
        }

        if (!_faults.IsEmpty)
        {
            throw new AggregateException("Clients have done more than break their own connections.", _faults);
        }
    }

    /// <summary>Connects a client that makes its frames by hand.</summary>
    internal async Task<EchoClient> ConnectAsync(Wiring wiring, string? extensions = null)
    {
        EventServerHost host = await HostAsync(wiring, compression: extensions is not null);
        string[] headers = extensions is null ? [] : [$"Sec-WebSocket-Extensions: {extensions}"];
        return new EchoClient(await RawWebSocket.RequestAsync(host, Path, headers: headers));
    }

    internal Task<EventServerHost> HostAsync(Wiring wiring, bool compression) =>
        _hosts.GetOrAdd((wiring, compression), _ => new(() => StartAsync(wiring, compression))).Value;

    private Task<EventServerHost> StartAsync(Wiring wiring, bool compression) => wiring.StartAsync(
        options: o => o.Compression = compression ? new CompressionOptions { MinimumBytes = 64 } : null,
        endpoints: app =>
        {
            IEndpointRouteBuilder endpoints = app;
            RequestDelegate pipeline = endpoints.CreateApplicationBuilder().UseEventTransports().Use(_ => EchoAsync).Build();
            endpoints.Map(Path, pipeline).WithMetadata(new TakesUpgrades());
        });

    private async Task EchoAsync(HttpContext context)
    {
        await using ITransport transport = await context.AcceptEventTransportAsync(MaxMessageBytes);
        try
        {
            var close = new TransportClose(1000, "");
            try
            {
                close = await EchoAsync(transport, context.RequestAborted);
            }
            catch (InvalidDataException)
            {
                // The transport has told the client why, and lets it read that.
            }

            await transport.CloseAsync(close, context.RequestAborted);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The client is gone.
        }
        catch (Exception exception)
        {
            _faults.Enqueue(exception);
        }
    }

    private static async Task<TransportClose> EchoAsync(ITransport transport, CancellationToken cancellationToken)
    {
        while (true)
        {
            TransportMessage message = await transport.ReceiveAsync(cancellationToken);
            if (message.Kind == TransportMessageKind.Closed)
            {
                return new TransportClose(1000, "");
            }

            if (message.Kind == TransportMessageKind.TooLarge)
            {
                return new TransportClose(1009, "too large");
            }

            if (message.Kind == TransportMessageKind.Control)
            {
                // The transport has answered it.
                continue;
            }

            EncodedPacket packet = EncodedPacket.Create(message.Payload.Span, message.Kind == TransportMessageKind.Binary);
            await transport.SendAsync(new[] { packet }, cancellationToken);
        }
    }
}

/// <summary>The tests that share the servers.</summary>
[CollectionDefinition(nameof(EchoServers))]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1711", Justification = "Collection is xunit's word for it.")]
public sealed class EchoCollection : ICollectionFixture<EchoServers>;
