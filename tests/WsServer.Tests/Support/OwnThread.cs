using System.Runtime.ExceptionServices;

namespace WsServer.Tests.Support;

/// <summary>Runs code on a thread that nobody else uses: for what is kept for each thread.</summary>
internal static class OwnThread
{
    /// <summary>Runs it to its end; what it throws is thrown here.</summary>
    public static void Run(Action action)
    {
        Exception? fault = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception exception)
            {
                fault = exception;
            }
        })
        { IsBackground = true };
        thread.Start();
        if (!thread.Join(Within.Reason))
        {
            throw new TimeoutException("The thread did not end.");
        }

        if (fault is not null)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    /// <summary>The same with a result.</summary>
    public static T Run<T>(Func<T> function)
    {
        T result = default!;
        Run(() => { result = function(); });
        return result;
    }
}
