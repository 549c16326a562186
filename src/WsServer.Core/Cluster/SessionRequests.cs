using WsServer.Recovery;

namespace WsServer.Cluster;

/// <summary>What is asked with <see cref="RequestKind.Session"/>.</summary>
internal enum SessionRequest : byte
{
    /// <summary>Who has this session: <see cref="SessionSought"/>; answered with <see cref="SessionFound"/>.</summary>
    Find = 1,

    /// <summary>To give one: <see cref="SessionSought"/> and below which number; answered with a <see cref="Departure"/> and what is given.</summary>
    Take = 2,

    /// <summary>To take some over, as the asker stops: namespace, position, rooms, sessions; answered with how many were.</summary>
    Offer = 3,

    /// <summary>To give those that were offered: namespace, below which number, sessions; answered as <see cref="Take"/>.</summary>
    TakeOffered = 4,
}

/// <summary>What a node knows of a session.</summary>
internal enum SessionFound : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It comes or goes at this moment: ask again.</summary>
    Busy = 1,

    /// <summary>A later connection of the client has it.</summary>
    Late = 2,

    /// <summary>It can be had: where the log stands, and the rooms.</summary>
    Here = 3,
}

/// <summary>A session that a client wants to come back to.</summary>
/// <param name="Session">The secret.</param>
/// <param name="Namespace">Where.</param>
/// <param name="Identity">Whom the client is authenticated as.</param>
/// <param name="Seq">The last event that it has had.</param>
/// <param name="ConnectedAt">When its connection came.</param>
internal sealed record SessionSought(string Session, string Namespace, string? Identity, long Seq, DateTimeOffset ConnectedAt)
{
    public void Write(WireBuffer buffer)
    {
        buffer.Text(Session);
        buffer.Text(Namespace);
        buffer.Optional(Identity);
        buffer.Int64(Seq);
        buffer.Int64(ConnectedAt.UtcTicks);
    }

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static SessionSought Read(ref WireReader reader) => new(
        reader.Text(), reader.Name(), reader.Optional(), reader.Int64(), new DateTimeOffset(Math.Clamp(reader.Int64(), 0, DateTimeOffset.MaxValue.UtcTicks), TimeSpan.Zero));
}
