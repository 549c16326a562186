using System.Globalization;

namespace WsServer.Diagnostics;

/// <summary>How many files, and so sockets, the process may have open.</summary>
/// <param name="Files">The limit; null for none.</param>
/// <param name="Open">How many are open when the server is made, above all the runtime's own.</param>
internal sealed record DescriptorLimit(int? Files, int Open)
{
    /// <summary>So many are left for what is no event connection: what the runtime is still to open, the log, HTTP requests, connections to be refused.</summary>
    public const int Headroom = 128;

    /// <summary>That of this process, read from Linux's <c>/proc</c>; none where there is no such thing.</summary>
    public static DescriptorLimit Read() => File.Exists("/proc/self/limits")
        ? new(Parse(File.ReadLines("/proc/self/limits")), Directory.EnumerateFileSystemEntries("/proc/self/fd").Count())
        : new(null, 0);

    /// <summary>How many connections that allows for.</summary>
    /// <param name="wanted">The most that are wanted.</param>
    public int ConnectionsFor(int wanted) => Files is { } files ? Math.Min(wanted, Math.Max(1, files - Open - Headroom)) : wanted;

    // Max open files            1024                 524288               files
    internal static int? Parse(IEnumerable<string> lines)
    {
        const string Name = "Max open files";
        string? line = lines.FirstOrDefault(l => l.StartsWith(Name, StringComparison.Ordinal));
        string? soft = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(soft, CultureInfo.InvariantCulture, out long limit) ? (int)Math.Min(limit, int.MaxValue) : null;
    }
}
