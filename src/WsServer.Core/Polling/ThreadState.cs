using System.Globalization;
using System.Runtime.InteropServices;

namespace WsServer.Polling;

/// <summary>What a thread does, as the operating system sees it (Linux, <c>proc_pid_stat(5)</c>).</summary>
internal static partial class ThreadState
{
    /// <summary>The calling thread, for the others; 0 where it has no number.</summary>
    public static int GetCurrentId()
    {
        try
        {
            return GetThreadId();
        }
        catch (EntryPointNotFoundException)
        {
            // A C library from before 2019.
            return 0;
        }
    }

    /// <summary>
    /// Whether a thread runs, or would if there were a processor for it: then it is not blocked. False also when nobody can
    /// tell.
    /// </summary>
    public static bool IsRunning(int id)
    {
        // 1234 (a name, perhaps with spaces and brackets) R …
        string stat = Read(id, "stat");
        int state = stat.LastIndexOf(')') + 2;
        return state > 1 && state < stat.Length && stat[state] == 'R';
    }

    /// <summary>How long it has had a processor; zero when nobody can tell.</summary>
    public static TimeSpan GetProcessorTime(int id)
    {
        // Nanoseconds with a processor, nanoseconds of waiting for one, and how often.
        string stat = Read(id, "schedstat");
        int end = stat.IndexOf(' ', StringComparison.Ordinal);
        return end > 0 && long.TryParse(stat.AsSpan(0, end), CultureInfo.InvariantCulture, out long nanoseconds)
            ? TimeSpan.FromMicroseconds(nanoseconds / 1000)
            : TimeSpan.Zero;
    }

    private static string Read(int id, string what)
    {
        if (id == 0)
        {
            return "";
        }

        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/self/task/{id}/{what}"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // There is no such file, or not for us.
            return "";
        }
    }

    [LibraryImport("libc", EntryPoint = "gettid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetThreadId();
}
