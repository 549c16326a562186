namespace WsServer.Recovery;

/// <summary>What a socket needs whose client can come back. Other sockets have none.</summary>
/// <param name="asked">The session that the client wants to come back to.</param>
/// <param name="askedSeq">The last event that it has had, 0 when it does not say.</param>
internal sealed class SocketRecovery(string? asked, long askedSeq)
{
    private static long _arrivals;

    private volatile bool _isCutOff;

    public string? Asked => asked;

    public long AskedSeq => askedSeq;

    /// <summary>Rises from socket to socket: of two that ask for the same, the last to come gets it.</summary>
    public long Arrival { get; } = Interlocked.Increment(ref _arrivals);

    /// <summary>Whether the client asks for what it had. Without a number nobody knows what it missed.</summary>
    public bool IsAsked => asked is not null && askedSeq > 0;

    /// <summary>The client's secret, from when the socket is in its namespace; null when nothing is kept for it.</summary>
    public string? Session { get; set; }

    /// <summary>Whether the client has come back.</summary>
    public bool IsRecovered { get; set; }

    /// <summary>Where the log stood when the client first joined.</summary>
    public long Since { get; set; }

    /// <summary>The last event that was meant for it; guarded by the namespace's gate.</summary>
    public long LastSeq { get; set; }

    /// <summary>Where the log stood when it joined each of its rooms; guarded by the namespace's gate.</summary>
    public Dictionary<string, long> JoinedAt { get; } = new(StringComparer.Ordinal);

    /// <summary>Where what it has missed stands; null when that is the namespace's log alone. Guarded by the namespace's gate.</summary>
    public History? History { get; set; }

    /// <summary>The socket's id while it is wanted here though another node has given it; null otherwise.</summary>
    public string? HeldSid { get; set; }

    /// <summary>Whether it has ended by what its client can come back from.</summary>
    public bool IsCutOff
    {
        get => _isCutOff;
        set => _isCutOff = value;
    }

    /// <summary>Whether it was kept when it left: its place in the namespace then belongs to what is kept.</summary>
    public bool IsKept { get; set; }

    /// <summary>The socket alone, as an audience.</summary>
    public Audience? Self { get; set; }

    /// <summary>What <c>connected</c> says of the coming back: nothing to who did not ask.</summary>
    public bool? Told => asked is null ? null : IsRecovered;
}
