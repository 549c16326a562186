using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using WsServer.Diagnostics;
using WsServer.Polling;

namespace WsServer.Hosting;

/// <summary>
/// Kestrel's connections over sockets, which write to their sockets directly and whose WebSockets read them so
/// (<see cref="DirectConnection"/>). With <see cref="EventServerOptions.DirectSends"/> off it is Kestrel's own sockets
/// transport. The settings are that one's.
/// </summary>
internal sealed class DirectListenerFactory(
    IOptions<SocketTransportOptions> sockets, IOptions<EventServerOptions> events, IServiceProvider services, TimeProvider time, EventMetrics metrics, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly SocketTransportFactory _kestrels = new(sockets, loggers);
    private Poller? _poller;
    private bool _hasPoller;

    /// <summary>What waits for the sockets of all its listeners, if the runtime does not.</summary>
    internal Poller? Poller => _poller;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (!events.Value.DirectSends)
        {
            return _kestrels.BindAsync(endpoint, cancellationToken);
        }

        SocketTransportOptions options = sockets.Value;
        Socket socket = Listen(endpoint, options);
        IMemoryPoolFactory<byte> pools = services.GetRequiredService<IMemoryPoolFactory<byte>>();

        var logger = new SteadyLogger(loggers.CreateLogger("WsServer.Transport"), metrics);

        // The name is that of the metrics of Kestrel's own transport.
        var memory = pools.Create(new MemoryPoolOptions { Owner = "kestrel" });
        var settings = new ListenerSettings(
            socket.LocalEndPoint!,
            memory,
            HttpPipeReader.CreateOptions(memory, options.MaxReadBufferSize ?? 0),
            logger,
            FindPoller(logger));
        return new(new DirectListener(socket, settings, options.NoDelay, new DescriptorMargin(DescriptorLimit.Read().Files), time));
    }

    public bool CanBind(EndPoint endpoint) => _kestrels.CanBind(endpoint);

    /// <summary>After Kestrel, which is given it.</summary>
    public void Dispose() => _poller?.Dispose();

    // One for all listeners.
    private Poller? FindPoller(SteadyLogger logger)
    {
        lock (_kestrels)
        {
            if (!_hasPoller && events.Value.SocketLoops > 0)
            {
                _poller = Poller.TryStart(events.Value.SocketLoops, logger);
            }

            _hasPoller = true;
            return _poller;
        }
    }

    private static Socket Listen(EndPoint endpoint, SocketTransportOptions options)
    {
        Socket socket;
        try
        {
            socket = options.CreateBoundListenSocket(endpoint);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(exception.Message, exception);
        }

        socket.Listen(options.Backlog);
        return socket;
    }
}
