using System.Collections.Concurrent;

namespace WsServer.Cluster;

/// <summary>What a node has answered.</summary>
/// <param name="Node">Which.</param>
/// <param name="Content">What; nothing when it had nothing to do with it.</param>
internal readonly record struct NodeReply(string Node, ReadOnlyMemory<byte> Content);

/// <summary>Told of answers that come in parts, one at a time.</summary>
internal interface IReplies
{
    /// <summary>So many nodes are asked.</summary>
    void Open(int nodes);

    /// <summary>A part has come, which lies in a buffer that is used again.</summary>
    void Part(string node, WireReader content);

    /// <summary>A node has said all, or is gone.</summary>
    void Close(string node, bool isGone);
}

/// <summary>What has been asked of other nodes and is not answered yet. A node that goes is not waited for.</summary>
internal sealed class Requests(TimeProvider time)
{
    private readonly ConcurrentDictionary<long, Pending> _pending = new();
    private long _lastId;

    public int Count => _pending.Count;

    /// <summary>Notes a request to these nodes.</summary>
    /// <param name="nodes">Which.</param>
    /// <param name="replies">Told of the parts; null for answers in one piece.</param>
    public Pending Open(IEnumerable<string> nodes, IReplies? replies)
    {
        var pending = new Pending(Interlocked.Increment(ref _lastId), nodes, replies);
        _pending[pending.Id] = pending;
        return pending;
    }

    /// <summary>Waits for all answers; true when they have come, false when the time was up.</summary>
    public async Task<bool> WaitAsync(Pending pending, TimeSpan timeout, CancellationToken cancellation = default)
    {
        try
        {
            await pending.Completed.WaitAsync(timeout, time, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            _pending.TryRemove(pending.Id, out _);
        }
    }

    /// <summary>A node has answered. The content is used before this returns, or copied.</summary>
    public void Answered(string node, long id, bool isLast, ReadOnlyMemory<byte> content)
    {
        if (_pending.TryGetValue(id, out Pending? pending))
        {
            pending.Answered(node, isLast, content);
        }
    }

    /// <summary>A node is gone.</summary>
    public void Gone(string node)
    {
        foreach ((_, Pending pending) in _pending)
        {
            pending.Gone(node);
        }
    }

    /// <summary>One request.</summary>
    internal sealed class Pending
    {
        private readonly Lock _gate = new();
        private readonly HashSet<string> _waited;
        private readonly List<NodeReply> _replies = [];
        private readonly IReplies? _parts;
        private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Pending(long id, IEnumerable<string> nodes, IReplies? parts)
        {
            Id = id;
            _waited = [.. nodes];
            _parts = parts;
            parts?.Open(_waited.Count);
            if (_waited.Count == 0)
            {
                _completed.SetResult();
            }
        }

        public long Id { get; }

        public Task Completed => _completed.Task;

        /// <summary>What has come until now.</summary>
        public IReadOnlyList<NodeReply> Replies
        {
            get
            {
                lock (_gate)
                {
                    return [.. _replies];
                }
            }
        }

        public void Answered(string node, bool isLast, ReadOnlyMemory<byte> content)
        {
            lock (_gate)
            {
                if (!_waited.Contains(node))
                {
                    return;
                }

                if (!isLast)
                {
                    _parts?.Part(node, new WireReader(content));
                    return;
                }

                if (_parts is null)
                {
                    _replies.Add(new NodeReply(node, content.ToArray()));
                }

                Settle(node, isGone: false);
            }
        }

        public void Gone(string node)
        {
            lock (_gate)
            {
                if (_waited.Contains(node))
                {
                    Settle(node, isGone: true);
                }
            }
        }

        private void Settle(string node, bool isGone)
        {
            _parts?.Close(node, isGone);
            _waited.Remove(node);
            if (_waited.Count == 0)
            {
                _completed.TrySetResult();
            }
        }
    }
}
