namespace WsServer.Tests.Support;

/// <summary>How long a test waits for anything: long enough for a busy machine, and never for ever.</summary>
internal static class Within
{
    public static readonly TimeSpan Reason = TimeSpan.FromSeconds(20);

    /// <summary>Waits for a task, and fails when it takes too long.</summary>
    public static async Task<T> TimeAsync<T>(Task<T> task, string what)
    {
        try
        {
            return await task.WaitAsync(Reason);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Waited in vain for {what}.");
        }
    }

    /// <inheritdoc cref="TimeAsync{T}" />
    public static async Task TimeAsync(Task task, string what)
    {
        try
        {
            await task.WaitAsync(Reason);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Waited in vain for {what}.");
        }
    }

    /// <summary>Looks again and again until something holds, for what tells nobody when it happens.</summary>
    public static Task UntilAsync(Func<bool> holds, string what, TimeSpan? patience = null) => UntilAsync(holds, () => what, patience);

    /// <summary>The same, with a description that is made when it is needed, of how things stand then.</summary>
    public static async Task UntilAsync(Func<bool> holds, Func<string> what, TimeSpan? patience = null)
    {
        using var timeout = new CancellationTokenSource(patience ?? Reason);
        while (!holds())
        {
            if (timeout.IsCancellationRequested)
            {
                throw new TimeoutException($"Waited in vain until {what()}.");
            }

            await Task.Delay(5, CancellationToken.None);
        }
    }
}
