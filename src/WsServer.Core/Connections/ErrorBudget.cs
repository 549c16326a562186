namespace WsServer.Connections;

/// <summary>How many errors a connection may still cause: a bucket that refills by one a second.</summary>
internal sealed class ErrorBudget(int size, TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _left = size;
    private long _filled = time.GetTimestamp();

    /// <summary>Spends one; false when nothing is left.</summary>
    public bool TrySpend()
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            _left = Math.Min(size, _left + time.GetElapsedTime(_filled, now).TotalSeconds);
            _filled = now;
            if (_left < 1)
            {
                return false;
            }

            _left--;
            return true;
        }
    }
}
