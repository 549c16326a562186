using System.ComponentModel;
using System.Diagnostics;

namespace WsServer.LoadTest.Servers;

/// <summary>Gets the servers ready to start.</summary>
internal static class ServerBuild
{
    /// <summary>Builds what is not built and installs what is not installed. Returns those that can run here.</summary>
    public static IReadOnlyList<ServerKind> Prepare(Folders folders, IReadOnlyList<ServerKind> servers)
    {
        foreach (string project in servers.Where(s => !s.IsNode).Select(s => s.Project).Distinct())
        {
            Console.WriteLine($"dotnet build -c Release {project}");
            Run("dotnet", folders.GetProject(project), "build", "-c", "Release", "--nologo");
        }

        foreach (BrokerKind missing in servers.Select(s => s.Broker).Distinct().Where(b => !BrokerProcess.IsInstalled(b)).ToArray())
        {
            Console.WriteLine($"What needs {missing} is left out: it is not installed.");
            servers = [.. servers.Where(s => s.Broker != missing)];
        }

        if (!servers.Any(s => s.IsNode))
        {
            return servers;
        }

        if (!Exists("node") || !Exists("npm"))
        {
            Console.WriteLine("Socket.IO and ws are left out: node and npm are not installed.");
            return [.. servers.Where(s => !s.IsNode)];
        }

        if (!Directory.Exists(Path.Combine(folders.Node, "node_modules")))
        {
            Console.WriteLine("npm ci");
            Run("npm", folders.Node, "ci", "--no-audit", "--no-fund");
        }

        return servers;
    }

    /// <summary>The version that a program prints.</summary>
    public static string? GetVersion(string program)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, "--version") { RedirectStandardOutput = true })!;
            string version = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? version : null;
        }
        catch (Win32Exception)
        {
            // There is no such program.
            return null;
        }
    }

    private static bool Exists(string program) => GetVersion(program) is not null;

    private static void Run(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true };

        // A build server that lives on would take time from what is measured.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} has failed in {folder}.{Environment.NewLine}{output}");
        }
    }
}
