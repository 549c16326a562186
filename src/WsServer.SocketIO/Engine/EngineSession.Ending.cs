namespace WsServer.SocketIO.Engine;

/// <summary>How a session ends.</summary>
internal sealed partial class EngineSession
{
    // How long a goodbye is kept for a client that is between two polls.
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(30);

    /// <summary>Over polling: says goodbye behind what waits, with the poll that there is or the next one.</summary>
    private void SayGoodbyeLocked()
    {
        if (_end is not null || _isClosing)
        {
            return;
        }

        _isClosing = true;
        _probe?.Abort();
        Schedule(_settings.Time.GetTimestamp(), GoodbyeTime);
        _outgoing.Add(EnginePackets.Close);
        AnswerPollLocked();
    }

    private void End(SessionEnd end)
    {
        lock (_gate)
        {
            EndLocked(end);
        }
    }

    /// <summary>The session is over. The first reason counts.</summary>
    private void EndLocked(SessionEnd end)
    {
        if (_end is not null)
        {
            return;
        }

        _end = end;
        StopHeartbeatLocked();
        _probe?.Abort();
        if (end is SessionEnd.PingTimeout or SessionEnd.Unfinished)
        {
            // Wakes the reader. After any other end it has to be the client's goodbye that does.
            _socket?.Abort();
        }

        _outgoing = [];
        if (_latePoll is null)
        {
            // Before anybody is told, who may then want the place.
            _forget(this);
        }

        if (_poll is not null)
        {
            FinishPollLocked(new PollAnswer(end == SessionEnd.Client ? EnginePackets.Noop : EnginePackets.Close));
        }

        _room?.TrySetResult();
        _arrival?.TrySetResult();
    }

    private void ThrowIfEnded()
    {
        lock (_gate)
        {
            if (_end is { } end)
            {
                ThrowFor(end);
            }
        }
    }

    /// <summary>Throws what tells the server of an end; nothing for one that is a goodbye.</summary>
    private static void ThrowFor(SessionEnd end)
    {
        switch (end)
        {
            case SessionEnd.PingTimeout:
                throw new TimeoutException("A ping was not answered in time.");
            case SessionEnd.Unfinished:
                throw new TimeoutException("A packet was begun and not finished in time.");
            case SessionEnd.Broken:
                throw new IOException("A polling request was broken off.");
            case SessionEnd.Malformed:
                throw new InvalidDataException("The client broke the rules of polling.");
            default:
                break;
        }
    }
}
