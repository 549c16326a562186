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
    private readonly DescriptorReserve _reserve = new();
    private bool _isShort;

    public EndPoint EndPoint => settings.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (!_unbinding.IsCancellationRequested)
        {
            try
            {
                if (!_reserve.TryFill())
                {
                    await PauseAsync(SocketError.TooManyOpenSockets).ConfigureAwait(false);
                    continue;
                }

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
                await PauseAsync(exception.SocketErrorCode).ConfigureAwait(false);
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
        _reserve.Dispose();
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

    // The others of the process need descriptors as well: nothing is accepted until the reserve is whole again.
    private async Task PauseAsync(SocketError error)
    {
        _reserve.Dispose();
        if (!_isShort)
        {
            // Once, until one is accepted again; and without the exception, to write which takes descriptors.
            _isShort = true;
            settings.Logger.AcceptFailed(settings.EndPoint, error);
        }

        do
        {
            await Task.Delay(Pause, time, _unbinding.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        while (!_unbinding.IsCancellationRequested && !_reserve.TryFill());
    }
}
