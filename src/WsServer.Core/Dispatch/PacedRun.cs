using WsServer.Connections;

namespace WsServer.Dispatch;

/// <summary>One call of a handler, from its begin to where it returns or first awaits, as its pace counts it.</summary>
internal readonly ref struct PacedRun
{
    private readonly Pace _pace;
    private readonly TimeProvider _time;
    private readonly Gathering? _gathering;
    private readonly int _depth;
    private readonly TimeSpan _spent;
    private readonly long _start;

    private PacedRun(Pace pace, TimeProvider time)
    {
        _pace = pace;
        _time = time;
        _gathering = Gathering.Current;

        // What a blocking handler emits leaves at once, as its end may be far.
        _depth = pace.IsBlocking ? _gathering?.StepOut() ?? 0 : 0;
        _spent = _gathering?.Spent ?? TimeSpan.Zero;
        _start = time.GetTimestamp();
    }

    /// <summary>Begins one; <see cref="End"/> follows on the same thread.</summary>
    public static PacedRun Begin(Pace pace, TimeProvider time) => new(pace, time);

    /// <summary>The handler gives the thread back.</summary>
    public void End()
    {
        TimeSpan elapsed = _time.GetElapsedTime(_start);
        if (_gathering is not null)
        {
            // To emit to many takes its time; that does not make a handler slow.
            elapsed -= _gathering.Spent - _spent;
            if (_depth > 0)
            {
                _gathering.StepIn(_depth);
            }
        }

        _pace.Note(elapsed);
    }
}
