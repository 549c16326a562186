using Microsoft.Extensions.Logging;

namespace WsServer.Diagnostics;

/// <summary>
/// Keeps a log that fails (a full disk, a closed pipe) from harming what is logged: a message that cannot be written is
/// counted, and said once on the standard error, since the log itself cannot.
/// </summary>
internal sealed class SteadyLogger(ILogger inner, EventMetrics metrics) : ILogger
{
    private int _isTold;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception failure)
        {
            metrics.LogFailure();
            if (Interlocked.Exchange(ref _isTold, 1) == 0)
            {
                Tell(failure);
            }
        }
    }

    private void Tell(Exception failure)
    {
        try
        {
            Console.Error.WriteLine($"WsServer: the log cannot be written, and the server goes on without it: {failure.GetBaseException().Message}");
        }
        catch (IOException)
        {
            // Nor can this. The metric is what is left.
            metrics.LogFailure();
        }
    }
}
