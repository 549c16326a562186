using WsServer.Cluster;
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

/// <summary>Asks sockets, and gathers what becomes of them.</summary>
internal interface IAckCollector
{
    /// <summary>Asks one more socket. One that owes too many acks has failed already.</summary>
    void Ask(EventSocket socket, PacketId id, OutgoingPacket packet);
}

/// <summary>Gathers the acks of all sockets that a broadcast reaches, here and on other nodes.</summary>
/// <remarks>It is complete when all who ask have closed it, and all who were asked are settled.</remarks>
internal sealed class AckCollector<T>(EventSerializer serializer) : IAckWaiter, IAckCollector, IRemoteAcks
{
    private readonly Lock _gate = new();
    private readonly List<EventSocket> _askedHere = [];
    private readonly List<string> _asked = [];
    private readonly Dictionary<string, BroadcastAck<T>> _answers = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open = 1;

    public Task Completed => _completed.Task;

    public void Ask(EventSocket socket, PacketId id, OutgoingPacket packet)
    {
        lock (_gate)
        {
            _askedHere.Add(socket);
            _asked.Add(socket.Id);
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

    public void Asked(IEnumerable<string> sids)
    {
        lock (_gate)
        {
            _asked.AddRange(sids);
        }
    }

    public void Open(int more)
    {
        lock (_gate)
        {
            _open += more;
        }
    }

    /// <summary>One of those who ask will ask nobody else.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _open--;
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
        foreach (EventSocket socket in _askedHere)
        {
            socket.Forget(id);
        }

        lock (_gate)
        {
            return new(_asked.ConvertAll(sid => _answers.GetValueOrDefault(sid) ?? new BroadcastAck<T>(sid, AckOutcome.TimedOut)));
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
        if (_open == 0 && _answers.Count == _asked.Count)
        {
            _completed.TrySetResult();
        }
    }
}
