using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace WsServer.Hosting;

/// <summary>
/// Kestrel's own sockets transport, whose connections write to their sockets directly (<see cref="DirectTransport"/>)
/// and go on reading on the thread that the operating system's news came on.
/// </summary>
internal sealed class DirectListenerFactory(IOptions<SocketTransportOptions> sockets, IOptions<EventServerOptions> events, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _asConfigured = new(sockets, loggers);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (!events.Value.DirectSends)
        {
            return await _asConfigured.BindAsync(endpoint, cancellationToken).ConfigureAwait(false);
        }

        var inline = new SocketTransportFactory(Options.Create(Inline(sockets.Value)), loggers);
        return new DirectListener(await inline.BindAsync(endpoint, cancellationToken).ConfigureAwait(false));
    }

    public bool CanBind(EndPoint endpoint) => _asConfigured.CanBind(endpoint);

    // For the frames of WebSockets, which are read where they come; everything else takes a hop (PoolPipeReader). "Unsafe"
    // is that a reader which blocks holds up the transport. What it would hold up is its own connection: the runtime hands
    // each socket's news to the thread pool before. Kestrel's own output, which inline scheduling makes slow, is not in use.
    private static SocketTransportOptions Inline(SocketTransportOptions options) => new()
    {
        UnsafePreferInlineScheduling = true,
        IOQueueCount = options.IOQueueCount,
        WaitForDataBeforeAllocatingBuffer = options.WaitForDataBeforeAllocatingBuffer,
        NoDelay = options.NoDelay,
        Backlog = options.Backlog,
        MaxReadBufferSize = options.MaxReadBufferSize,
        MaxWriteBufferSize = options.MaxWriteBufferSize,
        CreateBoundListenSocket = options.CreateBoundListenSocket,
    };

    private sealed class DirectListener(IConnectionListener inner) : IConnectionListener
    {
        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            ConnectionContext? connection = await inner.AcceptAsync(cancellationToken).ConfigureAwait(false);
            if (connection is not null)
            {
                DirectTransport.Install(connection);
            }

            return connection;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
