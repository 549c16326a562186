using System.Collections.Concurrent;
using System.Security.Claims;

namespace WsServer.Recovery;

/// <summary>What the program has kept with a socket.</summary>
/// <param name="Items">What its handlers have; null for nothing.</param>
/// <param name="User">Who it acts for; null when that is for the request to say.</param>
internal readonly record struct KeptState(ConcurrentDictionary<object, object?>? Items, ClaimsPrincipal? User)
{
    /// <summary>Its presence metadata, as JSON; null for none.</summary>
    public byte[]? Presence { get; init; }
}

/// <summary>What is kept of a socket whose connection was cut, until its client comes back or the time is over.</summary>
internal sealed class CutOffSocket
{
    /// <summary>The secret by which the client proves that the socket was its own.</summary>
    public required string Session { get; init; }

    /// <summary>Where it was.</summary>
    public required EventNamespace Namespace { get; init; }

    /// <summary>Its id.</summary>
    public required string Sid { get; init; }

    /// <summary>Whom the request that it came with was authenticated as; null for nobody. Who comes back has to be the same.</summary>
    public string? Identity { get; init; }

    /// <summary>The rooms that it was in, its own among them, each with where the log stood when it joined.</summary>
    public required IReadOnlyDictionary<string, long> Rooms { get; set; }

    /// <summary>What the program had kept with it.</summary>
    public KeptState State { get; init; }

    /// <summary>Where the log stood when it first joined: what was before is none of its business.</summary>
    public long Since { get; init; }

    /// <summary>The last event that was meant for it while it was there; 0 for none.</summary>
    public long LastSeq { get; init; }

    /// <summary>Where the log stood when it left its rooms.</summary>
    public long Position { get; init; }

    /// <summary>When it was cut off, as a timestamp.</summary>
    public long Time { get; init; }

    /// <summary>Where what it missed stands; null when that is the namespace's log alone.</summary>
    public History? History { get; set; }

    /// <summary>The rooms whose events arrive here for its sake.</summary>
    public string[] Held { get; set; } = [];

    /// <summary>In the form that outlives the process.</summary>
    public SocketSnapshot Save(TimeSpan age) =>
        new(Session, Sid, Identity, Rooms, Since, LastSeq, Position, age, KeptItems.Save(State.Items), KeptItems.Save(State.User), State.Presence);

    /// <summary>From that form.</summary>
    public static CutOffSocket Restore(SocketSnapshot saved, EventNamespace ns, long time) => new()
    {
        Session = saved.Session,
        Namespace = ns,
        Sid = saved.Sid,
        Identity = saved.Identity,
        Rooms = saved.Rooms,
        State = new KeptState(KeptItems.Restore(saved.Items), KeptItems.Restore(saved.User)) { Presence = saved.Presence },
        Since = saved.Since,
        LastSeq = saved.LastSeq,
        Position = saved.Position,
        Time = time,
    };

    /// <summary>Behind which number the client has to look for what it missed.</summary>
    /// <param name="seq">The last event that the client has had.</param>
    public long MissedAfter(long seq)
    {
        // Who has had all that was meant for it has missed nothing before it was cut off, however much went to others since:
        // in a quiet room of a busy namespace the log need not reach back to the client's last event.
        return Math.Max(seq, seq >= LastSeq ? Position : Since);
    }
}
