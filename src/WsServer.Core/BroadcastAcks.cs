using System.Collections;

namespace WsServer;

/// <summary>What became of one socket that was asked for an ack.</summary>
public enum AckOutcome
{
    /// <summary>It answered with a value.</summary>
    Answered,

    /// <summary>It answered with an error, or with something that is not the type asked for.</summary>
    Failed,

    /// <summary>It did not answer in time.</summary>
    TimedOut,

    /// <summary>It left before it answered.</summary>
    Left,
}

/// <summary>One socket's answer to a broadcast.</summary>
/// <param name="Sid">The socket's id.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Value">Its answer, when <see cref="AckOutcome.Answered"/>.</param>
/// <param name="Error">Why not, when <see cref="AckOutcome.Failed"/>.</param>
public sealed record BroadcastAck<T>(string Sid, AckOutcome Outcome, T? Value = default, EventError? Error = null);

/// <summary>The answers to a broadcast, one for each socket it reached.</summary>
public sealed class BroadcastAcks<T> : IReadOnlyList<BroadcastAck<T>>
{
    private readonly List<BroadcastAck<T>> _all;

    internal BroadcastAcks(List<BroadcastAck<T>> all) => _all = all;

    /// <inheritdoc />
    public int Count => _all.Count;

    /// <summary>The values of those who answered.</summary>
    public IEnumerable<T> Values => _all.Where(a => a.Outcome == AckOutcome.Answered).Select(a => a.Value!);

    /// <summary>The ids of those who did not answer in time.</summary>
    public IEnumerable<string> TimedOut => Sids(AckOutcome.TimedOut);

    /// <summary>The ids of those who left before they answered.</summary>
    public IEnumerable<string> Left => Sids(AckOutcome.Left);

    /// <inheritdoc />
    public BroadcastAck<T> this[int index] => _all[index];

    /// <inheritdoc />
    public IEnumerator<BroadcastAck<T>> GetEnumerator() => _all.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private IEnumerable<string> Sids(AckOutcome outcome) => _all.Where(a => a.Outcome == outcome).Select(a => a.Sid);
}
