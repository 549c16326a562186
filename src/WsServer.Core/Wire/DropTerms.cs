namespace WsServer.Wire;

/// <summary>How a packet may be lost for a client that lags.</summary>
internal enum DropKind
{
    /// <summary>It is not taken when it does not fit.</summary>
    Newest,

    /// <summary>It is dropped for the sake of a newer one.</summary>
    Oldest,

    /// <summary>One of the same key replaces it; else like <see cref="Oldest"/>.</summary>
    Conflate,

    /// <summary>It is not taken when it does not fit, and nobody is told.</summary>
    Volatile,
}

/// <summary>
/// On which terms a packet may be lost, the same for all who get it: a packet without them may not be. Equal are those of
/// packets that conflate with one another.
/// </summary>
internal sealed class DropTerms(DropKind kind, string ns, string name, string? key = null) : IEquatable<DropTerms>
{
    /// <summary>Those of a volatile event.</summary>
    public static readonly DropTerms Volatile = new(DropKind.Volatile, "", "");

    // A packet of a fan-out is looked up once for each client that lags.
    private readonly int _hash = HashCode.Combine(kind, ns, name, key);

    public DropKind Kind => kind;

    /// <summary>The namespace of the event.</summary>
    public string Namespace => ns;

    /// <summary>The event's name.</summary>
    public string Event => name;

    /// <summary>Whether it may have to go after it was taken.</summary>
    public bool IsRemovable => kind is DropKind.Oldest or DropKind.Conflate;

    /// <summary>Whether the client is told when it was lost, and how much of this kind may wait is bounded.</summary>
    public bool IsTold => kind != DropKind.Volatile;

    /// <summary>What the policy is called where it is counted.</summary>
    public string Policy => kind switch
    {
        DropKind.Newest => "drop_newest",
        DropKind.Oldest => "drop_oldest",
        DropKind.Conflate => "conflate",
        _ => "volatile",
    };

    private string? Key => key;

    public bool Equals(DropTerms? other) =>
        ReferenceEquals(this, other) || (other is not null && _hash == other._hash && kind == other.Kind && name == other.Event && ns == other.Namespace && key == other.Key);

    public override bool Equals(object? obj) => Equals(obj as DropTerms);

    public override int GetHashCode() => _hash;
}
