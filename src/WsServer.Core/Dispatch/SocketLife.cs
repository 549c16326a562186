using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>
/// The life of one socket: it joins, handles its events one after the other, and goes. Joining, events and leaving
/// pass through one queue, so they happen in the order in which the client sent them.
/// </summary>
internal sealed class SocketLife : ISerialWorker<Packet>
{
    private const int Joining = 0;
    private const int InNamespace = 1;
    private const int Ended = 2;

    private readonly EventSocket _socket;
    private readonly EventRuntime _runtime;
    private readonly Outbox _outbox;
    private readonly ISocketOwner _owner;
    private readonly SerialQueue<Packet> _queue;
    private readonly EventRunner _events;
    private TaskCompletionSource? _finished;
    private CancellationTokenSource? _aborted;
    private Task _predecessor = Task.CompletedTask;
    private volatile int _state = Joining;
    private volatile bool _isEntering;
    private PendingAcks? _acks;
    private bool _hasJoined;

    public SocketLife(EventSocket socket, EventRuntime runtime, Outbox outbox, ISocketOwner owner)
    {
        _socket = socket;
        _runtime = runtime;
        _outbox = outbox;
        _owner = owner;
        _queue = new SerialQueue<Packet>(this, runtime.Options.MaxQueuedEvents, runtime.Options.MaxQueuedBytes);
        _events = new EventRunner(socket, runtime, outbox);
    }

    public PendingAcks Acks => _acks ?? Interlocked.CompareExchange(ref _acks, new PendingAcks(_runtime.Options.MaxPendingAcks), null) ?? _acks;

    public bool IsConnected
    {
        get
        {
            if (_state == Joining && _isEntering)
            {
                lock (this)
                {
                    // The word is being said on another thread.
                }
            }

            return _state == InNamespace;
        }
    }

    public ISocketOwner Owner => _owner;

    /// <summary>Whether the client has said that it leaves, or the socket is out.</summary>
    public bool IsLeaving { get; private set; }

    /// <summary>Whether it is out of its namespace, or will never be in it.</summary>
    public bool HasEnded => _state == Ended;

    /// <summary>Whether no handler runs or waits, and no ack is owed.</summary>
    public bool IsQuiet => _queue.IsIdle && (_acks is null || _acks.Count == 0);

    public Task Finished => Completion.Task;

    /// <summary>Whose life it is.</summary>
    public EventSocket Socket => _socket;

    /// <summary>What runs for it, if anything.</summary>
    public HandlerRun? Running =>
        !_queue.IsIdle ? _events.LastRun
        : _state == Ended && _finished is not { Task.IsCompleted: true } ? new HandlerRun(-1, "disconnect")
        : null;

    /// <summary>Cancelled when the socket goes; made only when somebody asks.</summary>
    public CancellationToken Aborted
    {
        get
        {
            lock (this)
            {
                return _state == Ended ? new CancellationToken(canceled: true) : (_aborted ??= new CancellationTokenSource()).Token;
            }
        }
    }

    /// <summary>Begins to join, once the socket that was in the namespace before has finished.</summary>
    public void Start(Task? predecessor)
    {
        if (predecessor is null && !_socket.Namespace.Lifecycle.JoiningPace.IsSlow && _queue.TryEnter())
        {
            _queue.LeaveAfter(new(JoinTimedAsync()));
            return;
        }

        _predecessor = predecessor ?? _predecessor;
        _queue.Enqueue(new Packet(PacketKind.Connect));
    }

    /// <summary>Takes an event; completes when there is room for the next.</summary>
    public ValueTask ReceiveAsync(in Packet packet)
    {
        _runtime.Metrics.EventReceived();
        if (!_events.TryBegin(packet.Id))
        {
            return ValueTask.CompletedTask;
        }

        Handler? handler = _events.FindOnly(packet.Event);
        if (_events.PaceOf(handler).IsSlow || !_queue.TryEnter())
        {
            return _queue.EnqueueAsync(packet.Copy());
        }

        // On the thread that has read it, with no hop: what the handler does at once is done when this returns, and what
        // it awaits goes on elsewhere.
        _queue.LeaveAfter(_events.RunAsync(packet, handler, _hasJoined));
        return ValueTask.CompletedTask;
    }

    /// <summary>Takes an ack, at once: a handler may be waiting for it.</summary>
    public void Settle(in Packet ack) => Acks.Settle(_socket.Id, ack);

    /// <summary>The client leaves, once its earlier events are handled.</summary>
    public ValueTask LeaveAsync()
    {
        IsLeaving = true;
        return _queue.EnqueueAsync(new Packet(PacketKind.Disconnect));
    }

    /// <summary>The server puts the socket out: what waits is not handled any more.</summary>
    public void PutOut(bool close)
    {
        if (End(DisconnectReason.ServerNamespaceDisconnect))
        {
            _queue.Clear();
        }

        if (close)
        {
            _owner.PutOutAll();
        }
    }

    /// <summary>The client is back on another connection: this one goes.</summary>
    public void GiveWay() => _outbox.Complete(Closing.Superseded);

    /// <summary>The client is back on another node, by the clocks.</summary>
    public void GiveWayElsewhere() => _outbox.Complete(Closing.Overtaken);

    /// <summary>Does not let the socket in; nothing, if it has ended already.</summary>
    public void Refuse(EventError refusal)
    {
        if (TryEndJoining())
        {
            _outbox.PostError(new Packet(PacketKind.ConnectError) { Namespace = _socket.Namespace.Name, Error = refusal });
            _ = FinishAsync(null);
            _owner.Gone(_socket, null);
        }
    }

    /// <summary>
    /// Tells the client that it is in, and lets in what is emitted from then on. Whoever emits meanwhile waits at the door,
    /// so that nothing reaches the client before that word.
    /// </summary>
    /// <param name="connected">The word.</param>
    /// <param name="missed">What comes before it, if anything.</param>
    /// <returns>False when the socket has ended, or what it missed is more than may wait for it.</returns>
    public bool TryConnect(in Packet connected, List<Packet>? missed = null)
    {
        _isEntering = true;
        lock (this)
        {
            if (_state != Joining || !(missed is null ? _outbox.Post(connected) : _outbox.PostAll([.. missed, connected])))
            {
                return false;
            }

            _state = InNamespace;
            _socket.IsIn = true;
            return true;
        }
    }

    /// <summary>Looks whether the socket may still be where it is.</summary>
    public Task ReviewAsync() => new Review(_socket, _runtime, _outbox).RunAsync();

    /// <summary>Ends the socket, once: at once to the outside, and inside when its handlers are done.</summary>
    public bool End(DisconnectReason reason)
    {
        int before;
        lock (this)
        {
            before = _state;
            if (IsLeaving && reason is DisconnectReason.TransportClose or DisconnectReason.TransportError or DisconnectReason.PingTimeout)
            {
                // The client has said that it leaves, and did not wait until its earlier events were handled.
                reason = DisconnectReason.ClientNamespaceDisconnect;
            }

            if (before != Ended && _socket.Recovery is { } recovery)
            {
                // Before it is seen to have ended: what is emitted to it from then on waits for its client.
                recovery.IsCutOff = reason is DisconnectReason.TransportClose or DisconnectReason.TransportError or DisconnectReason.PingTimeout
                    || (reason is DisconnectReason.ServerShuttingDown && _runtime.Recovery.OutlivesStop);
            }

            _state = Ended;
            _socket.IsIn = false;
        }

        if (before == Ended)
        {
            return false;
        }

        IsLeaving = true;
        if (before == InNamespace && reason is DisconnectReason.ServerNamespaceDisconnect or DisconnectReason.ClientNamespaceDisconnect)
        {
            _outbox.Post(new Packet(PacketKind.Disconnect) { Namespace = _socket.Namespace.Name, Reason = reason });
        }

        bool isTurnedAway = before == Joining && reason == DisconnectReason.ServerNamespaceDisconnect;
        if (isTurnedAway)
        {
            _outbox.PostError(new Packet(PacketKind.ConnectError) { Namespace = _socket.Namespace.Name, Error = Lifecycle.NotLetIn });
        }

        _ = FinishAsync(reason);
        _owner.Gone(_socket, isTurnedAway ? null : reason);
        return true;
    }

    // Made when somebody waits, or at the end.
    private TaskCompletionSource Completion =>
        _finished ?? Interlocked.CompareExchange(ref _finished, new(TaskCreationOptions.RunContinuationsAsynchronously), null) ?? _finished;

    /// <summary>For the queue.</summary>
    public int SizeOf(Packet work)
    {
        int bytes = work.Arguments.Utf8.Length;
        foreach (ReadOnlyMemory<byte> attachment in work.Arguments.Attachments)
        {
            bytes += attachment.Length;
        }

        return bytes;
    }

    /// <summary>For the queue.</summary>
    public async ValueTask RunAsync(Packet packet)
    {
        switch (packet.Kind)
        {
            case PacketKind.Connect:
                await _predecessor.ConfigureAwait(false);
                _predecessor = Task.CompletedTask;
                await JoinTimedAsync().ConfigureAwait(false);
                break;
            case PacketKind.Disconnect:
                End(DisconnectReason.ClientNamespaceDisconnect);
                break;
            default:
                await _events.RunAsync(packet, _events.FindOnly(packet.Event), _hasJoined).ConfigureAwait(false);
                break;
        }
    }

    private Task JoinTimedAsync()
    {
        long start = _runtime.Time.GetTimestamp();
        Task joining = JoinAsync();
        _socket.Namespace.Lifecycle.JoiningPace.Note(_runtime.Time.GetElapsedTime(start));
        return joining;
    }

    private async Task JoinAsync()
    {
        if (!await Entrance.PassAsync(_socket, _runtime).ConfigureAwait(false))
        {
            return;
        }

        _hasJoined = true;
        _owner.Joined(_socket);
        _runtime.Logger.Joined(_socket.Id, _socket.Namespace.Name);
        await _socket.Namespace.Lifecycle.ConnectedAsync(_socket, _runtime.Logger).ConfigureAwait(false);
    }

    private bool TryEndJoining()
    {
        lock (this)
        {
            bool isJoining = _state == Joining;
            _state = Ended;
            return isJoining;
        }
    }

    private async Task FinishAsync(DisconnectReason? reason)
    {
        // Off the caller's thread: it may hold a room's visit, or be the handler that is to be waited for.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        _queue.LetGo();
        Acks.Close(_socket.Id);
        await CancelAsync().ConfigureAwait(false);
        try
        {
            await _queue.WhenIdleAsync().WaitAsync(_runtime.Options.HandlerGracePeriod, _runtime.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _runtime.Watch.Abandon(this);
            _runtime.Logger.HandlersStillRun(_socket.Id, _socket.Namespace.Name);
        }

        await _socket.Namespace.Lifecycle.DepartAsync(_socket, _hasJoined ? reason : null, _runtime.Logger).ConfigureAwait(false);
        Completion.TrySetResult();
        _owner.Finished(_socket);
    }

    private async Task CancelAsync()
    {
        CancellationTokenSource? aborted;
        lock (this)
        {
            aborted = _aborted;
        }

        try
        {
            await (aborted?.CancelAsync() ?? Task.CompletedTask).ConfigureAwait(false);
        }
        catch (AggregateException exception)
        {
            _runtime.Logger.LifecycleFailed(exception, "cancellation", _socket.Id, _socket.Namespace.Name);
        }
    }
}
