using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>Waits for the ack of one socket.</summary>
internal sealed class AckWaiter : IAckWaiter
{
    private readonly TaskCompletionSource<JsonArguments> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<JsonArguments> Answer => _answer.Task;

    public void Answered(string sid, in Packet ack)
    {
        if (ack.Error is { } error)
        {
            _answer.TrySetException(new EventException(error));
        }
        else
        {
            // The packet lies in the connection's read buffer.
            _answer.TrySetResult(ack.Arguments.Copy());
        }
    }

    public void Gone(string sid) =>
        _answer.TrySetException(new EventException(ErrorCodes.NotConnected, "The client left before it answered."));
}

/// <summary>Gathers the acks of all sockets that a broadcast reaches.</summary>
internal sealed class AckCollector<T>(EventSerializer serializer) : IAckWaiter
{
    private readonly Lock _gate = new();
    private readonly List<EventSocket> _asked = [];
    private readonly Dictionary<string, BroadcastAck<T>> _answers = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isSealed;

    public Task Completed => _completed.Task;

    /// <summary>Asks one more socket. One that owes too many acks has failed already.</summary>
    public void Ask(EventSocket socket, PacketId id, OutgoingPacket packet)
    {
        lock (_gate)
        {
            _asked.Add(socket);
        }

        try
        {
            socket.Ask(id, this, packet);
        }
        catch (EventException exception)
        {
            Settle(new BroadcastAck<T>(socket.Id, AckOutcome.Failed, Error: exception.Error));
        }
    }

    /// <summary>Nobody else will be asked.</summary>
    public void Seal()
    {
        lock (_gate)
        {
            _isSealed = true;
            CompleteIfDone();
        }
    }

    public void Answered(string sid, in Packet ack)
    {
        if (ack.Error is { } error)
        {
            Settle(new BroadcastAck<T>(sid, AckOutcome.Failed, Error: error));
            return;
        }

        try
        {
            Settle(new BroadcastAck<T>(sid, AckOutcome.Answered, serializer.Read<T>(ack.Arguments.Copy())));
        }
        catch (EventException exception)
        {
            Settle(new BroadcastAck<T>(sid, AckOutcome.Failed, Error: exception.Error));
        }
    }

    public void Gone(string sid) => Settle(new BroadcastAck<T>(sid, AckOutcome.Left));

    /// <summary>Stops waiting: who has not answered has timed out.</summary>
    public BroadcastAcks<T> Finish(PacketId id)
    {
        foreach (EventSocket socket in _asked)
        {
            socket.Forget(id);
        }

        lock (_gate)
        {
            return new(_asked.ConvertAll(s => _answers.GetValueOrDefault(s.Id) ?? new BroadcastAck<T>(s.Id, AckOutcome.TimedOut)));
        }
    }

    private void Settle(BroadcastAck<T> answer)
    {
        lock (_gate)
        {
            _answers.TryAdd(answer.Sid, answer);
            CompleteIfDone();
        }
    }

    private void CompleteIfDone()
    {
        if (_isSealed && _answers.Count == _asked.Count)
        {
            _completed.TrySetResult();
        }
    }
}
