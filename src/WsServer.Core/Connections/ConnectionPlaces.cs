using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;

namespace WsServer.Connections;

/// <summary>The places for connections: as many as the options, the process's descriptors and its memory allow.</summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class ConnectionPlaces(int wanted, DescriptorLimit descriptors, MemoryWatch memory, ILogger logger)
{
    private int _taken;

    /// <summary>How many there are.</summary>
    public int Limit { get; } = descriptors.ConnectionsFor(wanted);

    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Whether one more would be refused, and why; null when it would not.</summary>
    public string? Refusal => memory.IsUnderPressure ? "The server has no memory for more connections." : Taken >= Limit ? "The server has as many connections as it takes." : null;

    /// <summary>Takes a place; false when there is none.</summary>
    public bool TryTake()
    {
        if (memory.IsUnderPressure)
        {
            return false;
        }

        if (Interlocked.Increment(ref _taken) <= Limit)
        {
            return true;
        }

        GiveBack();
        logger.TooManyConnections(Limit);
        return false;
    }

    public void GiveBack() => Interlocked.Decrement(ref _taken);

    /// <summary>Says at the start when there are fewer places than wanted.</summary>
    public void Report()
    {
        if (Limit < wanted)
        {
            logger.FewDescriptors(descriptors.Files ?? 0, Limit, wanted);
        }
    }
}
