using System.Text.Json;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Recovery;
using WsServer.Wire;

namespace WsServer.Dispatch;

/// <summary>What one connection has joined: takes its packets and gives each to the socket it is for.</summary>
internal sealed partial class Session : ISocketOwner, IPacketReceiver
{
    private readonly NamespaceTable _namespaces;
    private readonly EventRuntime _runtime;
    private readonly Handshake _handshake;
    private readonly Outbox _outbox;

    // Nearly always one each; replaced as a whole under the lock, so that they are read without it.
    private volatile EventSocket[] _sockets = [];
    private volatile EventSocket[] _unfinished = [];
    private volatile EventSocket? _home;
    private ITimer? _connectTimer;

    // The one in the connection's own namespace: without it, there is no connection.
    private EventSocket? _first;
    private bool _isClosed;

    public Session(NamespaceTable namespaces, EventRuntime runtime, Handshake handshake, Outbox outbox)
    {
        _namespaces = namespaces;
        _runtime = runtime;
        _handshake = handshake;
        _outbox = outbox;
    }

    /// <summary>Whether no handler runs or waits for this connection, and no ack is owed.</summary>
    public bool IsQuiet => Array.TrueForAll(_unfinished, s => s.Life.IsQuiet);

    /// <summary>The sockets of which something may still run.</summary>
    public EventSocket[] Unfinished => _unfinished;

    /// <summary>Joins the connection's own namespace, if it has one.</summary>
    /// <param name="session">The session that the client wants to come back to there.</param>
    /// <param name="seq">The last event that it has had there.</param>
    public void Start(string? session = null, long seq = 0)
    {
        if (_outbox.Home.Length == 0)
        {
            StartTimer();
            return;
        }

        if (Connect(new Packet(PacketKind.Connect) { Namespace = _outbox.Home, Session = session, Seq = seq }) is { } error)
        {
            _outbox.Complete(error.Code == ErrorCodes.InternalError ? Closing.Faulted : Closing.TurnedAway);
            return;
        }

        // For nothing, when it has been let in already.
        StartTimer();
    }

    /// <summary>Takes a packet of the client; completes when it may send the next.</summary>
    public ValueTask ReceiveAsync(in Packet packet)
    {
        string ns = packet.Namespace ?? _outbox.Home;
        switch (packet.Kind)
        {
            case PacketKind.Event:
                return ReceiveEventAsync(packet, ns);
            case PacketKind.Ack:
                ReceiveAck(packet, ns);
                return ValueTask.CompletedTask;
            case PacketKind.Connect:
                Connect(packet);
                return ValueTask.CompletedTask;
            case PacketKind.Disconnect when Find(ns) is { Life.IsLeaving: false } socket:
                return socket.Life.LeaveAsync();
            case PacketKind.Disconnect:
                _outbox.PostBreach(packet.Refuse(NotHere(ns)));
                return ValueTask.CompletedTask;
            case PacketKind.Ping:
                _outbox.Post(new Packet(PacketKind.Pong) { Arguments = packet.Arguments });
                return ValueTask.CompletedTask;
            default:
                return ValueTask.CompletedTask;
        }
    }

    /// <summary>The connection has ended: so do its sockets. Completes when nothing of them runs any more.</summary>
    public async Task CloseAsync(DisconnectReason reason)
    {
        EventSocket[] sockets;
        Task[] unfinished;
        lock (this)
        {
            _isClosed = true;

            // Also those that are leaving while another has taken their place: nothing else would end their handlers.
            sockets = _unfinished;
            unfinished = Array.ConvertAll(sockets, s => s.Life.Finished);
        }

        StopTimer();
        foreach (EventSocket socket in sockets)
        {
            socket.Life.End(reason);
        }

        await Task.WhenAll(unfinished).ConfigureAwait(false);
    }

    public void Joined(EventSocket socket)
    {
        // One that new credentials have put out at its last step is not in.
        if (socket.Connected)
        {
            StopTimer();
        }
    }

    public void Gone(EventSocket socket, DisconnectReason? reason)
    {
        bool isEmpty;
        lock (this)
        {
            SetSockets(Without(_sockets, socket));
            isEmpty = !_isClosed && Array.TrueForAll(_sockets, s => s.Life.IsLeaving);
        }

        if (reason is null && socket == _first)
        {
            _outbox.Complete(Closing.TurnedAway);
        }
        else if (isEmpty && reason == DisconnectReason.ServerNamespaceDisconnect && _outbox.Home.Length > 0)
        {
            _outbox.Complete(Closing.Left);
        }
        else
        {
            // Turned away, gone of its own will, or put out of what it had asked for one by one: it may join something
            // else, within the time.
            StartTimer();
        }
    }

    public void Finished(EventSocket socket)
    {
        lock (this)
        {
            _unfinished = Without(_unfinished, socket);
        }

        if (socket.Recovery is not { IsKept: true })
        {
            _namespaces.Release(socket.Namespace);
        }
    }

    public void PutOutAll()
    {
        foreach (EventSocket socket in _sockets)
        {
            socket.Life.PutOut(close: false);
        }

        // The client may have left of itself already.
        _outbox.Complete(Closing.Left);
    }

    private EventError NotHere(string ns) =>
        _namespaces.Exists(ns) ? EventRunner.NotConnected(ns) : new EventError(ErrorCodes.UnknownNamespace, $"There is no namespace '{ns}'.", new() { ["ns"] = ns });

    private static EventSocket[] Without(EventSocket[] sockets, EventSocket? one) =>
        sockets.Length == 0 || one is null ? sockets : sockets.Length == 1 && sockets[0] == one ? [] : Array.FindAll(sockets, s => s != one);

    private void ReceiveAck(in Packet packet, string ns)
    {
        if (Find(ns) is { } socket)
        {
            socket.Life.Settle(packet);
        }
        else
        {
            // It gets no answer: whoever waited for it knows already that the socket is gone.
            _outbox.TryEndFor(packet.Refuse(NotHere(ns)));
        }
    }

    private ValueTask ReceiveEventAsync(in Packet packet, string ns)
    {
        if (Find(ns) is not { Life.IsLeaving: false } socket)
        {
            _outbox.PostBreach(packet.Refuse(NotHere(ns), ns));
            return ValueTask.CompletedTask;
        }

        if (!_runtime.IsStopping)
        {
            return packet.Event == ReservedNames.Token ? ReceiveTokenAsync(packet, ns, socket) : socket.Life.ReceiveAsync(packet);
        }

        if (!packet.Id.IsNone)
        {
            _outbox.PostError(packet.Refuse(new EventError(ErrorCodes.ShuttingDown, "The server is shutting down."), ns));
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Begins to join a namespace; returns why not, when there is no socket to begin with.</summary>
    private EventError? Connect(in Packet packet)
    {
        string name = packet.Namespace!;
        EventSocket? socket = null;
        EventError? error = null;
        Task? predecessor = null;
        lock (this)
        {
            EventSocket? present = Find(name);
            if (present is { Life.IsLeaving: false })
            {
                error = new EventError(ErrorCodes.AlreadyConnected, $"The connection is in '{name}' already.");
            }
            else if (IsFull())
            {
                int limit = _runtime.Options.MaxNamespacesPerConnection;
                error = new EventError(ErrorCodes.TooManyNamespaces, $"A connection may be in {limit} namespaces.", new() { ["limit"] = limit });
            }
            else if (Acquire(name, out error) is { } ns)
            {
                Handshake handshake = packet.Arguments.Count == 0 ? _handshake : _handshake with { Auth = ParseAuth(packet.Arguments) };
                SocketRecovery? recovery = _outbox.Codec.SupportsRecovery ? new SocketRecovery(packet.Session, packet.Seq) : null;
                socket = new EventSocket(ns, handshake, _outbox, this, recovery);
                predecessor = present?.Life.Finished;
                if (_outbox.Home.Length > 0)
                {
                    _first ??= socket;
                }

                SetSockets([.. Without(_sockets, present), socket]);
                _unfinished = [.. _unfinished, socket];
            }
        }

        if (socket is null)
        {
            _outbox.PostBreach(packet.Refuse(error!));
        }
        else
        {
            socket.Life.Start(predecessor);
        }

        return error;
    }

    private EventNamespace? Acquire(string name, out EventError? error)
    {
        error = null;
        if (_isClosed || _runtime.IsStopping)
        {
            error = new EventError(ErrorCodes.ShuttingDown, "The server is shutting down.");
            return null;
        }

        try
        {
            if (_namespaces.Acquire(name) is { } found)
            {
                return found;
            }

            error = new EventError(ErrorCodes.UnknownNamespace, $"There is no namespace '{name}'.");
        }
        catch (Exception exception)
        {
            // A rule or its set-up is the program's: its fault must not cost the client its connection.
            _runtime.Logger.NamespaceFailed(exception, name);
            error = _runtime.Describe(exception);
        }

        return null;
    }

    private JsonElement ParseAuth(JsonArguments auth) =>
        JsonElement.Parse(auth.Utf8.Span, new JsonDocumentOptions { MaxDepth = _runtime.Options.MaxJsonDepth });

    private void SetSockets(EventSocket[] sockets)
    {
        _home = Array.Find(sockets, s => s.Namespace.Name == _outbox.Home);
        _sockets = sockets;
    }

    private EventSocket? Find(string ns)
    {
        if (_home is { } home && ReferenceEquals(ns, _outbox.Home))
        {
            return home;
        }

        foreach (EventSocket socket in _sockets)
        {
            if (socket.Namespace.Name == ns)
            {
                return socket;
            }
        }

        return null;
    }

    // Sockets that have left count as well while their handlers finish, but leave room for as many new ones.
    private bool IsFull()
    {
        int limit = _runtime.Options.MaxNamespacesPerConnection;
        return _sockets.Count(s => !s.Life.IsLeaving) >= limit || _unfinished.Length >= limit * 2;
    }

    // Runs while the connection is in no namespace; being turned away once more does not start it anew.
    private void StartTimer()
    {
        lock (this)
        {
            if (_isClosed || _connectTimer is not null || Array.Exists(_sockets, s => s.Connected))
            {
                return;
            }

            _connectTimer = _runtime.Time.CreateTimer(
                static session => ((Session)session!).ConnectTimedOut(), this, _runtime.Options.ConnectTimeout, Timeout.InfiniteTimeSpan);
        }
    }

    private void ConnectTimedOut()
    {
        // A socket may have joined while the timer fired.
        lock (this)
        {
            if (Array.Exists(_sockets, s => s.Connected))
            {
                return;
            }
        }

        _outbox.Complete(Closing.ConnectTimeout);
    }

    private void StopTimer()
    {
        lock (this)
        {
            _connectTimer?.Dispose();
            _connectTimer = null;
        }
    }
}
