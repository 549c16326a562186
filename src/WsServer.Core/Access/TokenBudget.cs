namespace WsServer.Access;

/// <summary>
/// How many tokens of one connection are looked at: so many at once, one more each second, and one at a time. To look at one
/// is work for the server whether it is valid or not.
/// </summary>
internal sealed class TokenBudget
{
    // Enough to join every namespace with a token of its own.
    private const int Least = 10;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly int _size;
    private double _left;
    private long _filled;
    private Task _last = Task.CompletedTask;
    private TaskCompletionSource? _current;

    public TokenBudget(EventRuntime runtime)
    {
        _time = runtime.Time;
        _size = Math.Max(Least, runtime.Options.MaxNamespacesPerConnection);
        _left = _size;
        _filled = _time.GetTimestamp();
    }

    /// <summary>Takes one out and waits for its turn; why it is not looked at, or null, and then <see cref="Done"/> is due.</summary>
    public async ValueTask<EventError?> EnterAsync()
    {
        if (!TrySpend(out long retryAfterMs))
        {
            return new EventError(ErrorCodes.RateLimited, "This connection sends too many tokens.", new() { ["retryAfterMs"] = retryAfterMs });
        }

        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task before;
        lock (_gate)
        {
            before = _last;
            _last = turn.Task;
        }

        await before.ConfigureAwait(false);
        _current = turn;
        return null;
    }

    /// <summary>It has been looked at: the next may be.</summary>
    public void Done() => _current!.SetResult();

    private bool TrySpend(out long retryAfterMs)
    {
        lock (_gate)
        {
            long now = _time.GetTimestamp();
            _left = Math.Min(_size, _left + _time.GetElapsedTime(_filled, now).TotalSeconds);
            _filled = now;
            retryAfterMs = (long)Math.Ceiling((1 - _left) * 1_000);
            if (_left < 1)
            {
                return false;
            }

            _left--;
            return true;
        }
    }
}
