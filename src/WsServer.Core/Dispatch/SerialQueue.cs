using WsServer.Connections;

namespace WsServer.Dispatch;

/// <summary>Does the work of a <see cref="SerialQueue{T}"/>.</summary>
internal interface ISerialWorker<T>
{
    /// <summary>Does one piece of work. Must not throw.</summary>
    ValueTask RunAsync(T work);

    /// <summary>How many bytes a piece of work holds while it waits.</summary>
    int SizeOf(T work);
}

/// <summary>
/// Runs work one after the other, in the order it came: on the thread pool, so that reading from the client never
/// waits for a handler, or on the producer's own thread where it asks for that. Bounded: when it is full, the producer
/// waits.
/// </summary>
/// <param name="worker">Does the work.</param>
/// <param name="capacity">How many may wait, besides the one that runs.</param>
/// <param name="maxBytes">How many bytes these may hold before the producer waits; what is over it by one piece is taken.</param>
internal sealed class SerialQueue<T>(ISerialWorker<T> worker, int capacity, long maxBytes = long.MaxValue) : IThreadPoolWorkItem
{
    private const int BatchSize = 64;

    // There while something waits only, as most sockets wait for nothing most of the time.
    private Queue<T>? _waiting;
    private TaskCompletionSource? _space;
    private TaskCompletionSource? _idle;
    private bool _isRunning;
    private bool _isLetGo;
    private long _waitingBytes;

    private bool HasRoom => _waiting is null || (_waiting.Count < capacity && _waitingBytes < maxBytes);

    /// <summary>Whether nothing waits and nothing runs.</summary>
    public bool IsIdle
    {
        get
        {
            lock (this)
            {
                return !_isRunning;
            }
        }
    }

    /// <summary>Takes work at once, however much waits.</summary>
    public void Enqueue(T work)
    {
        lock (this)
        {
            Add(work);
        }
    }

    /// <summary>Takes work of the one producer; completes when there is room for the next.</summary>
    public ValueTask EnqueueAsync(T work)
    {
        lock (this)
        {
            Add(work);
            if (HasRoom || _isLetGo)
            {
                return ValueTask.CompletedTask;
            }

            _space ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask(_space.Task);
        }
    }

    /// <summary>
    /// Lets the one producer run work itself, in its turn, when nothing waits or runs; <see cref="LeaveAfter"/>
    /// must follow.
    /// </summary>
    public bool TryEnter()
    {
        lock (this)
        {
            if (_isRunning)
            {
                return false;
            }

            _isRunning = true;
            return true;
        }
    }

    /// <summary>The work that was begun is done when this is.</summary>
    public void LeaveAfter(ValueTask running)
    {
        if (running.IsCompleted)
        {
            Leave();
        }
        else
        {
            _ = RunAfterAsync(running);
        }
    }

    /// <summary>Drops what waits and lets the producer go.</summary>
    public void Clear()
    {
        lock (this)
        {
            _waiting = null;
            _waitingBytes = 0;
            Release();
        }
    }

    /// <summary>Lets the producer go on from now on, however much waits: nothing more is meant to come.</summary>
    public void LetGo()
    {
        lock (this)
        {
            _isLetGo = true;
            Release();
        }
    }

    /// <summary>Completes when nothing waits and nothing runs.</summary>
    public Task WhenIdleAsync()
    {
        lock (this)
        {
            if (!_isRunning)
            {
                return Task.CompletedTask;
            }

            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _idle.Task;
        }
    }

    /// <summary>For the thread pool.</summary>
    public void Execute() => _ = RunAsync();

    private void Add(T work)
    {
        (_waiting ??= new()).Enqueue(work);
        _waitingBytes += worker.SizeOf(work);
        if (!_isRunning)
        {
            _isRunning = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private void Leave()
    {
        lock (this)
        {
            if (_waiting is null)
            {
                BecomeIdle();
                return;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private async Task RunAfterAsync(ValueTask running)
    {
        await running.ConfigureAwait(false);
        await RunAsync().ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        bool isEmpty = false;
        while (!isEmpty)
        {
            await RunBatch(out isEmpty).ConfigureAwait(false);
        }
    }

    /// <summary>Runs what waits, up to what does not complete at once, which is returned. What it brings forth leaves together.</summary>
    private ValueTask RunBatch(out bool isEmpty)
    {
        Gathering gathering = Gathering.Open();
        try
        {
            for (int count = 0; count < BatchSize; count++)
            {
                isEmpty = !TryTake(out T? work);
                if (isEmpty)
                {
                    return ValueTask.CompletedTask;
                }

                ValueTask running = worker.RunAsync(work!);
                if (!running.IsCompletedSuccessfully)
                {
                    return running;
                }
            }

            isEmpty = false;
            return ValueTask.CompletedTask;
        }
        finally
        {
            gathering.Close();
        }
    }

    private bool TryTake([System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out T work)
    {
        lock (this)
        {
            if (_waiting is null)
            {
                work = default;
                BecomeIdle();
                return false;
            }

            work = _waiting.Dequeue();
            _waitingBytes -= worker.SizeOf(work);
            if (HasRoom)
            {
                Release();
            }

            if (_waiting.Count == 0)
            {
                _waiting = null;
            }

            return true;
        }
    }

    private void BecomeIdle()
    {
        _isRunning = false;
        _idle?.SetResult();
        _idle = null;
    }

    private void Release()
    {
        _space?.TrySetResult();
        _space = null;
    }
}
