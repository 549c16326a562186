using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>Whoever waits for an ack: told once, by the answer or by the end of the socket.</summary>
internal interface IAckWaiter
{
    /// <summary>The client has answered, with arguments or an error.</summary>
    void Answered(string sid, in Packet ack);

    /// <summary>The client is gone and will not answer.</summary>
    void Gone(string sid);
}

/// <summary>The acks that one socket still owes. Bounded; ends with the socket.</summary>
/// <remarks>Safe for concurrent use. Waiters are called outside the lock.</remarks>
internal sealed class PendingAcks(int limit)
{
    private Dictionary<long, IAckWaiter>? _waiters;
    private bool _isClosed;

    public int Count
    {
        get
        {
            lock (this)
            {
                return _waiters?.Count ?? 0;
            }
        }
    }

    /// <exception cref="EventException"><c>too_many_pending_acks</c>: the socket owes as many as it may.</exception>
    public void Add(PacketId id, IAckWaiter waiter, string sid)
    {
        lock (this)
        {
            if (_waiters?.Count >= limit)
            {
                throw new EventException(ErrorCodes.TooManyPendingAcks, $"The client owes {limit} acks already.", new() { ["limit"] = limit });
            }

            if (!_isClosed)
            {
                (_waiters ??= []).Add(id.Number, waiter);
                return;
            }
        }

        waiter.Gone(sid);
    }

    public void Remove(PacketId id)
    {
        lock (this)
        {
            _waiters?.Remove(id.Number);
        }
    }

    /// <summary>Gives an ack to who waits for it; one that nobody waits for, any more or ever, is ignored.</summary>
    public void Settle(string sid, in Packet ack)
    {
        IAckWaiter? waiter = null;
        lock (this)
        {
            _waiters?.Remove(ack.Id.Number, out waiter);
        }

        waiter?.Answered(sid, ack);
    }

    public void Close(string sid)
    {
        Dictionary<long, IAckWaiter>? waiters;
        lock (this)
        {
            _isClosed = true;
            waiters = _waiters;
            _waiters = null;
        }

        foreach (IAckWaiter waiter in waiters?.Values ?? Enumerable.Empty<IAckWaiter>())
        {
            waiter.Gone(sid);
        }
    }
}
