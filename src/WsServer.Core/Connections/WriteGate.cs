namespace WsServer.Connections;

/// <summary>
/// Lets one in at a time, and the others after it in the order they came. To go in and out where nobody waits is one
/// atomic operation each; the queue is made for the first who has to wait. A field of its owner: do not copy.
/// </summary>
internal struct WriteGate
{
    private const int Open = 0;
    private const int Taken = 1;
    private const int TakenWithQueue = 2;

    private int _state;
    private Queue<TaskCompletionSource>? _waiting;

    /// <summary>Goes in, if nobody is in.</summary>
    public bool TryEnter() => Interlocked.CompareExchange(ref _state, Taken, Open) == Open;

    /// <summary>Goes in, at once or when it is this one's turn.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before that.</exception>
    public Task EnterAsync(CancellationToken cancellationToken)
    {
        Queue<TaskCompletionSource> waiting = LazyInitializer.EnsureInitialized(ref _waiting);
        TaskCompletionSource turn;
        lock (waiting)
        {
            if (Interlocked.Exchange(ref _state, TakenWithQueue) == Open)
            {
                return Task.CompletedTask;
            }

            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Enqueue(turn);
        }

        return cancellationToken.CanBeCanceled ? EnterAsync(turn, cancellationToken) : turn.Task;
    }

    /// <summary>Goes out, and lets the next in.</summary>
    public void Leave()
    {
        if (Interlocked.CompareExchange(ref _state, Open, Taken) == Taken)
        {
            return;
        }

        lock (_waiting!)
        {
            while (_waiting.TryDequeue(out TaskCompletionSource? next))
            {
                // One that was cancelled is passed over.
                if (next.TrySetResult())
                {
                    return;
                }
            }

            Volatile.Write(ref _state, Open);
        }
    }

    private static async Task EnterAsync(TaskCompletionSource turn, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (waiting, token) => ((TaskCompletionSource)waiting!).TrySetCanceled(token), turn);
        await turn.Task.ConfigureAwait(false);
    }
}
