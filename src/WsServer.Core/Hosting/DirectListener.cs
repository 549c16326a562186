using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using WsServer.Diagnostics;

namespace WsServer.Hosting;

/// <summary>Accepts connections for Kestrel, and goes on whatever becomes of one of them.</summary>
/// <param name="socket">The listening socket, which the listener disposes.</param>
/// <param name="settings">What its connections share; the memory is the listener's.</param>
/// <param name="noDelay">Whether small packets leave at once, over TCP.</param>
/// <param name="time">For pauses.</param>
internal sealed class DirectListener(Socket socket, ListenerSettings settings, bool noDelay, TimeProvider time) : IConnectionListener
{
    // While the process has no descriptor left, the connections wait in the backlog.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _unbinding = new();
    private bool _isShort;

    public EndPoint EndPoint => settings.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (!_unbinding.IsCancellationRequested)
        {
            try
            {
                Socket accepted = await socket.AcceptAsync(cancellationToken).ConfigureAwait(false);
                _isShort = false;
                if (TryOpen(accepted) is { } connection)
                {
                    return connection;
                }
            }
            catch (Exception exception) when (exception is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                // Unbound.
                return null;
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // Its client has gone before it was accepted.
                settings.Logger.AcceptedInVain(exception);
            }
            catch (SocketException exception)
            {
                await PauseAsync(exception).ConfigureAwait(false);
            }
        }

        return null;
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _unbinding.CancelAsync().ConfigureAwait(false);
        socket.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        settings.Memory.Dispose();
    }

    private DirectConnection? TryOpen(Socket accepted)
    {
        try
        {
            if (accepted.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
            {
                accepted.NoDelay = noDelay;
            }

            var connection = new DirectConnection(accepted, settings);
            connection.Start();
            return connection;
        }
        catch (SocketException exception)
        {
            settings.Logger.AcceptedInVain(exception);
            accepted.Dispose();
            return null;
        }
    }

    private async Task PauseAsync(SocketException exception)
    {
        if (!_isShort)
        {
            // Once, until one is accepted again.
            _isShort = true;
            settings.Logger.AcceptFailed(exception, settings.EndPoint);
        }

        await Task.Delay(Pause, time, _unbinding.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
