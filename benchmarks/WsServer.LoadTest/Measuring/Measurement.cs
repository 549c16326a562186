namespace WsServer.LoadTest.Measuring;

/// <summary>What one scenario gave with one server, once.</summary>
internal sealed record Measurement
{
    /// <summary>The figure that is compared, in the unit of the scenario.</summary>
    public required double Value { get; init; }

    /// <summary>How many messages, or connections, it is taken from.</summary>
    public required long Messages { get; init; }

    /// <summary>The length of the window.</summary>
    public required double Seconds { get; init; }

    /// <summary>The server's CPU time in the window.</summary>
    public double? ServerCpuSeconds { get; init; }

    /// <summary>What a message cost the client, in µs of CPU time.</summary>
    public double? ClientCpuMicroseconds { get; init; }

    /// <summary>The CPU time of all other programs in the window, as well as it can be told: they cost both sides caches and switches.</summary>
    public double? OtherCpuSeconds { get; init; }

    /// <summary>Whether other programs took more than a tenth of one processor.</summary>
    public bool IsDisturbed => OtherCpuSeconds > Seconds * 0.1;

    /// <summary>The latency that half of the messages did not exceed, in µs.</summary>
    public double? P50 { get; init; }

    /// <summary>The latency that all but one in a hundred did not exceed, in µs.</summary>
    public double? P99 { get; init; }

    /// <summary>What a message allocated in the server, if it counts that.</summary>
    public double? AllocatedBytes { get; init; }

    /// <summary>How long the server's garbage collections stopped it in the window.</summary>
    public double? GcPauseMs { get; init; }

    /// <summary>Figures that only this scenario has.</summary>
    public IReadOnlyDictionary<string, double> Details { get; init; } = new Dictionary<string, double>();
}
