using WsServer.Wire;

namespace WsServer;

/// <summary>
/// What becomes of an event for a client that does not read as fast as it is sent to. Said for an emit
/// (<see cref="Broadcast.WhenSlow"/>) or for all emits of an event (<see cref="EventNamespace.WhenSlow(string, SlowConsumerPolicy)"/>).
/// A client that has missed events by it is told how many with <c>$lagged</c>. Immutable.
/// </summary>
/// <remarks>
/// A policy has a say only while a write to the client is under way. It never holds for events that want an ack.
/// </remarks>
public sealed class SlowConsumerPolicy
{
    private readonly DropKind? _kind;
    private readonly string? _key;
    private readonly Func<JsonArguments, string>? _keyOf;

    private SlowConsumerPolicy(DropKind? kind, string? key = null, Func<JsonArguments, string>? keyOf = null)
    {
        _kind = kind;
        _key = key;
        _keyOf = keyOf;
    }

    /// <summary>
    /// The client gets the event, or its connection ends with <c>slow_consumer</c>. What holds unless something else is
    /// said.
    /// </summary>
    public static SlowConsumerPolicy Disconnect { get; } = new(null);

    /// <summary>The event is dropped when there is no room for it; what waits already stays.</summary>
    public static SlowConsumerPolicy DropNewest { get; } = new(DropKind.Newest);

    /// <summary>The oldest waiting events that may be dropped make room for it: those of this policy and conflated ones.</summary>
    public static SlowConsumerPolicy DropOldest { get; } = new(DropKind.Oldest);

    /// <summary>
    /// The event takes the place of one that still waits and has the same name and key, whether there is room or not: the
    /// client gets the last one, behind what was emitted before it.
    /// </summary>
    /// <param name="key">What the event is the last word on.</param>
    public static SlowConsumerPolicy Conflate(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new(DropKind.Conflate, key);
    }

    /// <summary>The same with a key that depends on the arguments, such as whose position it is.</summary>
    /// <param name="key">
    /// Finds the key, once for each emit, on the emitter's thread. What it throws, the emit throws. The arguments are its
    /// only until it returns.
    /// </param>
    public static SlowConsumerPolicy Conflate(Func<JsonArguments, string> key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new(DropKind.Conflate, keyOf: key);
    }

    /// <inheritdoc />
    public override string ToString() => _kind switch
    {
        DropKind.Newest => nameof(DropNewest),
        DropKind.Oldest => nameof(DropOldest),
        DropKind.Conflate => $"{nameof(Conflate)}({_key ?? "…"})",
        _ => nameof(Disconnect),
    };

    /// <summary>For other nodes: 1 for <see cref="Disconnect"/>, or a <see cref="DropKind"/> and 2, and what <see cref="Conflate(string)"/> takes.</summary>
    internal (byte Kind, string? Key) ToWire(JsonArguments arguments) => _kind is { } kind
        ? ((byte)(kind + 2), _keyOf is null ? _key : _keyOf(arguments))
        : ((byte)1, null);

    /// <exception cref="InvalidDataException">There is no such policy.</exception>
    internal static SlowConsumerPolicy FromWire(byte kind, string? key) => kind switch
    {
        1 => Disconnect,
        2 + (byte)DropKind.Newest => DropNewest,
        2 + (byte)DropKind.Oldest => DropOldest,
        2 + (byte)DropKind.Conflate when key is not null => Conflate(key),
        _ => throw new InvalidDataException("A message of another node has an unknown policy."),
    };

    /// <summary>Whether <see cref="TermsFor"/> gives the same for all emits of an event.</summary>
    internal bool IsFixed => _keyOf is null;

    /// <summary>What an outbox needs to know; null when the event may not be dropped.</summary>
    internal DropTerms? TermsFor(string ns, string name, JsonArguments arguments) => _kind is { } kind
        ? new DropTerms(kind, ns, name, _keyOf is null ? _key : _keyOf(arguments) ?? throw new InvalidOperationException($"The key of the event '{name}' is null."))
        : null;
}
