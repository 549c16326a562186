using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using WsServer.Diagnostics;

namespace WsServer.Hosting;

/// <summary>Accepts connections for Kestrel, and goes on whatever becomes of one of them.</summary>
/// <param name="socket">The listening socket, which the listener disposes.</param>
/// <param name="settings">What its connections share; the memory is the listener's.</param>
/// <param name="noDelay">Whether small packets leave at once, over TCP.</param>
/// <param name="margin">The descriptors that are left to others.</param>
/// <param name="time">For pauses.</param>
internal sealed class DirectListener(Socket socket, ListenerSettings settings, bool noDelay, DescriptorMargin margin, TimeProvider time) : IConnectionListener
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _unbinding = new();
    private long? _lastTold;
    private bool _isShort;

    public EndPoint EndPoint => settings.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (!_unbinding.IsCancellationRequested)
        {
            try
            {
                if (_isShort)
                {
                    await PauseAsync(SocketError.TooManyOpenSockets).ConfigureAwait(false);
                }

                Socket accepted = await socket.AcceptAsync(cancellationToken).ConfigureAwait(false);
                _isShort = margin.IsReached(accepted);
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

    // Those that come meanwhile wait in the backlog.
    private async Task PauseAsync(SocketError error)
    {
        if (_lastTold is not { } told || time.GetElapsedTime(told) >= TellEvery)
        {
            // Without the exception, to write which takes descriptors.
            _lastTold = time.GetTimestamp();
            settings.Logger.AcceptFailed(settings.EndPoint, error);
        }

        do
        {
            await Task.Delay(Pause, time, _unbinding.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        while (!_unbinding.IsCancellationRequested && !margin.HasRoom());
    }
}
