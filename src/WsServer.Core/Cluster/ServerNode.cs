using WsServer.Backplane;
using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Cluster;

/// <summary>
/// This node among those of one server: says and asks, hears and answers, and knows who else is there. What is said is for
/// those who register for it; see <see cref="Handle(MessageKind, Action{string, WireReader})"/>.
/// </summary>
/// <remarks>
/// Safe for concurrent use. Handlers are called by one thread at a time, in the order in which a node has said things; they
/// do not wait, as everything else would.
/// </remarks>
internal sealed class ServerNode : IBackplaneReceiver, IAsyncDisposable
{
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(2);

    private readonly IBackplane _backplane;
    private readonly EventRuntime _runtime;
    private readonly Pump _pump;
    private readonly Requests _requests;
    private readonly RequestDesk _desk;
    private readonly ClusterMember _self;
    private readonly Action<string, WireReader>?[] _handlers = new Action<string, WireReader>?[byte.MaxValue + 1];
    private readonly TaskCompletionSource _firstConnected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? _timer;
    private int _isStopped;

    public ServerNode(IBackplane backplane, EventRuntime runtime)
    {
        ClusterOptions options = runtime.Options.Cluster;
        _backplane = backplane;
        _runtime = runtime;
        _self = new ClusterMember(RandomId.CreateShort(), options.Name ?? $"{Environment.MachineName}:{Environment.ProcessId}", runtime.Time.GetUtcNow(), IsSelf: true);
        Channels = new Channels(Id, options.Shards);
        Interest = new Interest(backplane.SubscribeAsync, runtime.Time);
        Nodes = new NodeTable(options.NodeTimeout, runtime.Time);
        _requests = new Requests(runtime.Time);
        _pump = new Pump(Id, backplane, options.MaxQueuedBytes, runtime.Metrics, runtime.Logger, runtime.Time);
        _desk = new RequestDesk(this, runtime.Logger);
        Handle(MessageKind.Request, _desk.Asked);
        Handle(MessageKind.Census, _desk.Counted);
        Handle(MessageKind.Reply, Replied);
        Handle(MessageKind.Heartbeat, HeartbeatHeard);
        Handle(MessageKind.Hello, HelloHeard);
        Handle(MessageKind.Goodbye, (node, _) => Lost(Nodes.Leave(node), "goodbye"));
        runtime.Metrics.ObserveBackplane(() => Nodes.Members.Count + 1, () => Interest.Count, () => _pump.Queue.Bytes);
    }

    /// <summary>This node's id.</summary>
    public string Id => _self.Id;

    public Channels Channels { get; }

    public Interest Interest { get; }

    /// <summary>The others.</summary>
    public NodeTable Nodes { get; }

    /// <summary>All nodes, this one first.</summary>
    public IReadOnlyList<ClusterMember> Members => [_self, .. Nodes.Members];

    /// <summary>Whether the backplane has a connection.</summary>
    public bool IsConnected => _pump.IsConnected;

    /// <summary>The number of the record that is being handled; for handlers, while they are called.</summary>
    public long Receiving { get; private set; }

    /// <summary>A node has come. Called by the thread that receives.</summary>
    public event Action<ClusterMember>? Joined;

    /// <summary>A node is gone. Called by the thread that receives, or by a timer.</summary>
    public event Action<ClusterMember>? Left;

    /// <summary>The node's part in a heartbeat, and what is made of others'.</summary>
    public Func<long> HeartbeatWord { get; set; } = static () => 0;

    /// <summary>Told what another node's heartbeat says.</summary>
    public Action<string, long> HeartbeatWordHeard { get; set; } = static (_, _) => { };

    /// <summary>Sets what is done with a kind of message; once, before the start.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="handler">Is given the sender and what it says, which lies in a buffer that is used again.</param>
    public void Handle(MessageKind kind, Action<string, WireReader> handler) => _handlers[(byte)kind] = handler;

    /// <summary>Sets what is done with a kind of request; once, before the start.</summary>
    public void Handle(RequestKind kind, Action<NodeRequest> handler) => _desk.Handle(kind, handler);

    /// <summary>Connects. Waits for that as long as is allowed, and then goes on without.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        _backplane.Start(Id, this);
        Interest.Add(Channels.All);
        Interest.Add(Channels.Self);
        Interest.Begin();
        _timer = _runtime.Time.CreateTimer(static node => ((ServerNode)node!).Tick(), this, _runtime.Options.Cluster.HeartbeatInterval, _runtime.Options.Cluster.HeartbeatInterval);
        await _firstConnected.Task.WaitAsync(_runtime.Options.Cluster.StartTimeout, _runtime.Time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        if (!IsConnected)
        {
            _runtime.Logger.BackplaneAbsent(_self.Name);
        }
    }

    /// <summary>Says goodbye, and waits a moment for what is under way.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _isStopped, 1) == 1 || _timer is null)
        {
            return;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        Send(MessageKind.Goodbye, [Channels.All], new WireBuffer());
        if (IsConnected)
        {
            await _pump.FlushAsync(GoodbyeTime).ConfigureAwait(false);
        }
    }

    /// <summary>Emits to sockets of other nodes; returns the event's number, 0 when it is dropped.</summary>
    public long Publish(Audience audience, in Packet packet)
    {
        var content = new WireBuffer();
        Envelopes.WriteEmit(content, audience, packet);
        return Send(MessageKind.Emit, Channels.Of(audience), content);
    }

    /// <summary>Says something to all who listen on these channels. What finds no room is dropped and counted.</summary>
    /// <returns>The message's number; 0 when it is dropped.</returns>
    public long Send(MessageKind kind, IReadOnlyList<string> channels, WireBuffer content)
    {
        bool isHeld = IsConnected || (kind == MessageKind.Emit && _runtime.Options.Cluster.WhenAway == BackplaneAwayPolicy.Hold);
        if (!isHeld)
        {
            content.Dispose();
            if (kind == MessageKind.Emit)
            {
                _runtime.Metrics.BackplaneDropped("away", 1);
            }

            return 0;
        }

        if (!_pump.Queue.TryAdd(channels, kind, content, out long number))
        {
            _runtime.Metrics.BackplaneDropped("full", 1);
            return 0;
        }

        return number;
    }

    /// <summary>Asks every node, and waits until each has answered, is gone, or the time is up.</summary>
    /// <param name="kind">What.</param>
    /// <param name="audience">The sockets that are meant, of which only nodes that may have some get the request itself; null for a request to all.</param>
    /// <param name="write">Writes the request.</param>
    /// <param name="timeout">How long to wait; <see cref="ClusterOptions.RequestTimeout"/> by default.</param>
    /// <returns>The last word of each that has answered and had something to do with it.</returns>
    public async Task<IReadOnlyList<NodeReply>> AskAsync(RequestKind kind, Audience? audience, Action<WireBuffer>? write = null, TimeSpan? timeout = null)
    {
        Requests.Pending pending = Ask(kind, audience, write, replies: null);
        if (!await _requests.WaitAsync(pending, timeout ?? _runtime.Options.Cluster.RequestTimeout).ConfigureAwait(false))
        {
            _runtime.Metrics.BackplaneTimeout();
            _runtime.Logger.NodesSilent(kind.ToString());
        }

        return pending.Replies;
    }

    /// <summary>The same for one node; null when it does not answer.</summary>
    public async Task<NodeReply?> AskNodeAsync(string node, RequestKind kind, Action<WireBuffer> write)
    {
        if (!Nodes.Has(node) || !IsConnected)
        {
            return null;
        }

        Requests.Pending pending = _requests.Open([node], replies: null);
        Send(MessageKind.Request, [Channels.OfNode(node)], WriteRequest(pending.Id, kind, null, write));
        if (!await _requests.WaitAsync(pending, _runtime.Options.Cluster.RequestTimeout).ConfigureAwait(false))
        {
            _runtime.Metrics.BackplaneTimeout();
        }

        return pending.Replies is [NodeReply reply] ? reply : null;
    }

    /// <summary>Asks one node, whose answer comes in parts; null when it cannot be asked.</summary>
    public Requests.Pending? AskNode(string node, RequestKind kind, Action<WireBuffer> write, IReplies replies)
    {
        if (!Nodes.Has(node) || !IsConnected)
        {
            return null;
        }

        Requests.Pending pending = _requests.Open([node], replies);
        Send(MessageKind.Request, [Channels.OfNode(node)], WriteRequest(pending.Id, kind, null, write));
        return pending;
    }

    /// <summary>What this node has dealt with: all that others have said up to what is being handled, and all that it has said itself.</summary>
    public Dictionary<string, long> Numbers()
    {
        Dictionary<string, long> numbers = Nodes.Numbers();
        numbers[Id] = _pump.Queue.LastNumber;
        return numbers;
    }

    /// <summary>Asks, with answers that come in parts.</summary>
    public Requests.Pending Ask(RequestKind kind, Audience? audience, Action<WireBuffer>? write, IReplies? replies)
    {
        // Without a connection nobody can answer.
        IEnumerable<string> nodes = IsConnected ? Nodes.Members.Select(n => n.Id) : [];
        Requests.Pending pending = _requests.Open(nodes, replies);
        if (pending.Completed.IsCompleted)
        {
            return pending;
        }

        Send(MessageKind.Request, audience is null ? [Channels.All] : Channels.Of(audience), WriteRequest(pending.Id, kind, audience, write));
        if (audience is not null)
        {
            var census = new WireBuffer();
            census.Int64(pending.Id);
            Send(MessageKind.Census, [Channels.All], census);
        }

        return pending;
    }

    /// <summary>Waits for the answers to what was asked; false when the time was up.</summary>
    public Task<bool> WaitAsync(Requests.Pending pending, TimeSpan timeout) => _requests.WaitAsync(pending, timeout);

    public void Connected(bool isResumed)
    {
        _runtime.Logger.BackplaneConnected(_self.Name, Id, isResumed);
        _runtime.Metrics.BackplaneConnected();
        _pump.IsConnected = true;
        SendHeartbeat(MessageKind.Hello);
        _firstConnected.TrySetResult();
    }

    public void Disconnected(string why)
    {
        if (_pump.IsConnected)
        {
            _pump.IsConnected = false;
            _runtime.Logger.BackplaneLost(why);
        }
        else
        {
            _runtime.Logger.BackplaneStillAway(why);
        }
    }

    public void Received(ReadOnlyMemory<byte> message)
    {
        if (Envelopes.ReadHeader(message, out WireReader records) is not { } sender)
        {
            _runtime.Metrics.BackplaneIgnored("stranger");
            return;
        }

        if (sender == Id)
        {
            return;
        }

        _runtime.Metrics.BackplaneReceived(message.Length);
        try
        {
            while (!records.IsAtEnd)
            {
                (long number, MessageKind kind, ReadOnlyMemory<byte> content) = Envelopes.ReadRecord(ref records);
                Receive(sender, number, kind, content);
            }
        }
        catch (InvalidDataException exception)
        {
            _runtime.Metrics.BackplaneIgnored("broken");
            _runtime.Logger.NodeMessageBroken(exception, sender);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _pump.DisposeAsync().ConfigureAwait(false);
    }

    internal bool Reply(string node, long request, bool isLast, WireBuffer? content)
    {
        using (content)
        {
            var reply = new WireBuffer();
            reply.Int64(request);
            reply.Bool(isLast);
            if (content is not null)
            {
                reply.Raw(content.Memory.Span);
            }

            return Send(MessageKind.Reply, [Channels.OfNode(node)], reply) > 0;
        }
    }

    private static WireBuffer WriteRequest(long id, RequestKind kind, Audience? audience, Action<WireBuffer>? write)
    {
        var content = new WireBuffer();
        content.Int64(id);
        content.Byte((byte)kind);
        content.Bool(audience is not null);
        if (audience is not null)
        {
            content.Write(audience);
        }

        write?.Invoke(content);
        return content;
    }

    private void Receive(string sender, long number, MessageKind kind, ReadOnlyMemory<byte> content)
    {
        if (!Nodes.TryNote(sender, number))
        {
            _runtime.Metrics.BackplaneIgnored("repeated");
            return;
        }

        if (_handlers[(byte)kind] is not { } handler)
        {
            _runtime.Metrics.BackplaneIgnored("unknown");
            return;
        }

        try
        {
            Receiving = number;
            handler(sender, new WireReader(content, _runtime.Names));
        }
        catch (Exception exception) when (exception is not InvalidDataException)
        {
            // The others' messages are to go on.
            _runtime.Logger.NodeMessageFailed(exception, kind.ToString(), sender);
        }
    }

    private void Tick()
    {
        try
        {
            if (IsConnected)
            {
                SendHeartbeat(MessageKind.Heartbeat);
            }

            foreach (ClusterMember gone in Nodes.TakeSilent())
            {
                Lost(gone, "silence");
            }

            Interest.Tick();
        }
        catch (Exception exception)
        {
            // A timer's exception would end the process.
            _runtime.Logger.NodeTickFailed(exception);
        }
    }

    private void SendHeartbeat(MessageKind kind)
    {
        var content = new WireBuffer();
        content.Text(_self.Name);
        content.Int64(_self.StartedAt.ToUnixTimeMilliseconds());
        content.Number(_runtime.Options.Cluster.Shards);
        content.Int64(HeartbeatWord());
        Send(kind, [Channels.All], content);
    }

    private void HelloHeard(string node, WireReader content)
    {
        HeartbeatHeard(node, content);
        SendHeartbeat(MessageKind.Heartbeat);
    }

    private void HeartbeatHeard(string node, WireReader content)
    {
        var member = new ClusterMember(node, content.Text(), DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(content.Int64(), 0, 253402300799999)), IsSelf: false);
        int shards = content.Number();
        long word = content.Int64();
        if (Nodes.Join(member))
        {
            _runtime.Logger.NodeJoined(member.Name, node);
            if (shards != _runtime.Options.Cluster.Shards)
            {
                _runtime.Logger.ShardsDiffer(member.Name, shards, _runtime.Options.Cluster.Shards);
            }

            Joined?.Invoke(member);
        }

        HeartbeatWordHeard(node, word);
    }

    private void Lost(ClusterMember? gone, string how)
    {
        if (gone is not null)
        {
            _runtime.Logger.NodeLeft(gone.Name, gone.Id, how);
            _requests.Gone(gone.Id);
            _desk.Forget(gone.Id);
            Left?.Invoke(gone);
        }
    }

    private void Replied(string node, WireReader content) => _requests.Answered(node, content.Int64(), content.Bool(), content.Rest);
}
