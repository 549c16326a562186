using Microsoft.Extensions.Logging;

namespace WsServer.Diagnostics;

/// <summary>Says whether the process has so much memory that it should take no more connections.</summary>
/// <param name="bound">The part of the available memory, 0 to 1, from which on it has; 0 for never.</param>
/// <param name="probe">What there is.</param>
/// <param name="time">The time.</param>
/// <param name="logger">Told when it begins, and when it is over.</param>
internal sealed class MemoryWatch(double bound, MemoryProbe probe, TimeProvider time, ILogger logger)
{
    // It is over when this part of the bound is left again, so that it does not come and go with each connection.
    private const double Relief = 0.95;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CollectPeriod = TimeSpan.FromMinutes(1);

    private long? _lastLook;
    private long? _lastCollect;
    private volatile bool _isUnderPressure;

    public bool IsUnderPressure => _isUnderPressure;

    /// <summary>Looks, if it is time to. One call at a time.</summary>
    public void Tick(long now)
    {
        if (bound == 0 || (_lastLook is { } last && time.GetElapsedTime(last, now) < Period))
        {
            return;
        }

        _lastLook = now;
        if (IsOver(probe.Used()) && !_isUnderPressure)
        {
            // What is free inside the heap counts as well until it is given back, which is asked for before clients pay.
            Collect(now);
        }

        bool isUnderPressure = IsOver(probe.Used());
        if (isUnderPressure != _isUnderPressure)
        {
            _isUnderPressure = isUnderPressure;
            logger.MemoryPressure(isUnderPressure ? "No more connections are taken" : "Connections are taken again", probe.Used() >> 20, probe.Available() >> 20);
        }
    }

    private bool IsOver(long used) => used >= bound * (_isUnderPressure ? Relief : 1) * probe.Available();

    private void Collect(long now)
    {
        if (_lastCollect is not { } last || time.GetElapsedTime(last, now) >= CollectPeriod)
        {
            _lastCollect = now;
            probe.Collect();
        }
    }
}

/// <summary>The memory of the process.</summary>
internal class MemoryProbe
{
    /// <summary>What it holds, in bytes.</summary>
    public virtual long Used() => Environment.WorkingSet;

    /// <summary>What it may hold, in bytes: the machine's or the container's.</summary>
    public virtual long Available()
    {
        // In a container the first is what the managed heap may have, three quarters of the container by default; the second
        // is nine tenths of the container.
        GCMemoryInfo info = GC.GetGCMemoryInfo();
        return Math.Max(info.TotalAvailableMemoryBytes, info.HighMemoryLoadThresholdBytes);
    }

    /// <summary>Gives back to the system what is free.</summary>
    public virtual void Collect() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
