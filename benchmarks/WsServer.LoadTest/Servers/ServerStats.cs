namespace WsServer.LoadTest.Servers;

/// <summary>What a server answers to <c>GET /stats</c>; a server leaves out what it does not know.</summary>
internal sealed record ServerStats(long? AllocatedBytes, int? Gen0, int? Gen1, int? Gen2, long? HeapBytes, double? GcPauseMs);

/// <summary>What a node answers to <c>GET /backplane</c>: what it has given to the broker and got from it.</summary>
internal sealed record BackplaneStats(long Sent, long SentBytes, long Received, long ReceivedBytes)
{
    public static BackplaneStats operator +(BackplaneStats a, BackplaneStats b) =>
        new(a.Sent + b.Sent, a.SentBytes + b.SentBytes, a.Received + b.Received, a.ReceivedBytes + b.ReceivedBytes);

    public static BackplaneStats operator -(BackplaneStats a, BackplaneStats b) =>
        new(a.Sent - b.Sent, a.SentBytes - b.SentBytes, a.Received - b.Received, a.ReceivedBytes - b.ReceivedBytes);
}
