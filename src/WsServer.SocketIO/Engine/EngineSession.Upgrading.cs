using WsServer.SocketIO.Diagnostics;
using WsServer.Wire;

namespace WsServer.SocketIO.Engine;

/// <summary>How a WebSocket takes the place of polling.</summary>
internal sealed partial class EngineSession
{
    // A poll that comes while the client changes over has nothing to wait for.
    private static readonly TimeSpan PollCheckInterval = TimeSpan.FromMilliseconds(100);

    private EngineSocket? _probe;
    private ITimer? _probeTimer;

    /// <summary>A WebSocket asks to become the transport. There may be one at a time.</summary>
    public bool TryBeginProbe(EngineSocket socket)
    {
        lock (_gate)
        {
            EndIfOverdueLocked();
            if (_end is not null || _isClosing || _socket is not null || _probe is not null)
            {
                return false;
            }

            _probe = socket;
            return true;
        }
    }

    /// <summary>The poll that waits, if one does, for <see cref="TakeProbe"/>.</summary>
    public object? WaitingPoll
    {
        get
        {
            lock (_gate)
            {
                return _poll;
            }
        }
    }

    /// <summary>The WebSocket was shown to work: the client stops polling, for which its poll has to be answered.</summary>
    /// <param name="earlier">
    /// The poll that waited before the client was told, which is answered at once. One behind that may come with the
    /// client's last word on polling, which would refuse it; it is answered only when that does not come.
    /// </param>
    public void TakeProbe(object? earlier)
    {
        lock (_gate)
        {
            if (_end is null && !_isClosing)
            {
                if (_poll == earlier)
                {
                    CheckPollLocked();
                }

                _probeTimer = _settings.Time.CreateTimer(static session => ((EngineSession)session!).CheckPoll(), this, PollCheckInterval, PollCheckInterval);
            }
        }
    }

    /// <summary>The WebSocket is the transport from now on; what waited for a poll leaves over it, before anything else.</summary>
    /// <returns>False when the session is over, or the socket is.</returns>
    public async ValueTask<bool> TrySwitchAsync(EngineSocket socket)
    {
        // Whoever sends from now on waits for this.
        if (!socket.TryEnter())
        {
            return false;
        }

        try
        {
            EncodedPacket[] waiting;
            lock (_gate)
            {
                if (_end is not null || _isClosing || _probe != socket || socket.IsAborted)
                {
                    return false;
                }

                EndProbeLocked();
                _socket = socket;
                waiting = [.. TakeOutgoingLocked()];

                // One that has come behind the client's last word on polling.
                _poll?.TrySetResult(new PollAnswer(EngineError.BadRequest));
                _poll = null;
                _arrival?.TrySetResult();
            }

            await socket.SendEnteredAsync(waiting).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The reader of the WebSocket learns of it too.
            _settings.Logger.SendFailed(exception);
        }
        finally
        {
            socket.Leave();
        }

        return true;
    }

    /// <summary>The WebSocket does not become the transport, and the session goes on polling.</summary>
    public void EndProbe(EngineSocket socket)
    {
        lock (_gate)
        {
            if (_probe == socket)
            {
                EndProbeLocked();
            }
        }
    }

    private void EndProbeLocked()
    {
        _probe = null;
        _probeTimer?.Dispose();
        _probeTimer = null;
    }

    private void CheckPoll()
    {
        lock (_gate)
        {
            if (_probeTimer is not null)
            {
                CheckPollLocked();
            }
        }
    }

    private void CheckPollLocked()
    {
        if (_poll is not null)
        {
            FinishPollLocked(new PollAnswer(EnginePackets.Noop));
        }
    }
}
