namespace WsServer.Tests.Support;

/// <summary>What ends a direction of a proxied connection, or the whole of it.</summary>
internal enum ChaosFault
{
    /// <summary>Nothing: it lasts until one of the two ends it.</summary>
    None,

    /// <summary>Bytes are taken and go nowhere, while both sides stay connected.</summary>
    BlackHole,

    /// <summary>The receiver is told that no more comes; the other direction goes on.</summary>
    HalfClose,

    /// <summary>Both sides are told that no more comes.</summary>
    Close,

    /// <summary>Both sides get a reset.</summary>
    Reset,
}

/// <summary>What becomes of the bytes of one direction.</summary>
internal sealed record ChaosCourse
{
    /// <summary>They arrive as they were sent.</summary>
    public static readonly ChaosCourse Clean = new();

    /// <summary>The most bytes that are passed on in one piece; each piece has from one to so many. Zero: all there is.</summary>
    public int MaxPiece { get; init; }

    /// <summary>The longest delay before the next bytes are taken; what comes in meanwhile is merged. Each is of a random length up to it.</summary>
    public TimeSpan MaxDelay { get; init; }

    /// <summary>How many bytes there are, on the average, between two bits that are turned over. Zero: none is.</summary>
    public int CorruptEvery { get; init; }

    /// <summary>Up to here nothing is turned over, so that for example a handshake can pass.</summary>
    public long CorruptFrom { get; init; }

    /// <summary>What happens after <see cref="FaultAfter"/>.</summary>
    public ChaosFault Fault { get; init; }

    /// <summary>How many bytes are passed on before <see cref="Fault"/>.</summary>
    public long FaultAfter { get; init; }
}

/// <summary>What becomes of one connection.</summary>
internal sealed record ChaosScript(ChaosCourse ToServer, ChaosCourse ToClient)
{
    public static readonly ChaosScript Clean = new(ChaosCourse.Clean, ChaosCourse.Clean);

    /// <summary>A script by chance: delays, pieces, and a fault in one of the directions.</summary>
    /// <param name="random">Where all chance comes from.</param>
    /// <param name="faults">The faults that there may be.</param>
    /// <param name="within">The fault happens within so many bytes.</param>
    public static ChaosScript Roll(Random random, ChaosFault[] faults, int within)
    {
        ChaosFault fault = faults[random.Next(faults.Length)];
        long after = random.Next(within);
        bool isToServer = random.Next(2) == 0;
        return new ChaosScript(
            RollCourse(random) with { Fault = isToServer ? fault : ChaosFault.None, FaultAfter = after },
            RollCourse(random) with { Fault = isToServer ? ChaosFault.None : fault, FaultAfter = after });
    }

    private static ChaosCourse RollCourse(Random random) => new()
    {
        MaxPiece = random.Next(3) == 0 ? random.Next(1, 200) : 0,
        MaxDelay = random.Next(3) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 20)) : default,
    };
}
