namespace WsServer;

/// <summary>One node's answer to a server-side event.</summary>
/// <param name="Node">The node.</param>
/// <param name="Outcome">What became of it; <see cref="AckOutcome.Left"/> when the node went before it answered.</param>
/// <param name="Value">Its answer, when <see cref="AckOutcome.Answered"/>.</param>
/// <param name="Error">Why not, when <see cref="AckOutcome.Failed"/>: <c>unknown_event</c> where the node has no handler.</param>
public sealed record NodeAck<T>(ClusterMember Node, AckOutcome Outcome, T? Value = default, EventError? Error = null);
