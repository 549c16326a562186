using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Native;

namespace WsServer.LoadTest.Servers;

/// <summary>A running server: how much of the machine it has used, and its end.</summary>
internal sealed class ServerProcess : IDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly List<string> _output = [];

    private ServerProcess(Process process, int port)
    {
        _process = process;
        Port = port;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Port { get; }

    /// <summary>
    /// The CPU time of all its threads so far, those that have ended included, user and system, in nanoseconds: the
    /// same sum as in <c>/proc/PID/stat</c>, which counts in hundredths of a second.
    /// </summary>
    public TimeSpan CpuTime
    {
        get
        {
            int error = Libc.GetCpuClock(_process.Id, out int clock);
            if (error != 0 || Libc.GetTime(clock, out Libc.TimeSpec time) < 0)
            {
                throw new LoadException($"The server has ended. {Output}");
            }

            return TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick);
        }
    }

    /// <summary>The memory it has in RAM, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            string[] pages = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Id}/statm")).Split(' ');
            return long.Parse(pages[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        }
    }

    /// <summary>The last lines it has printed.</summary>
    public string Output
    {
        get
        {
            lock (_gate)
            {
                return string.Join(Environment.NewLine, _output.TakeLast(20));
            }
        }
    }

    /// <summary>Starts a server on a free port and waits until it listens.</summary>
    /// <param name="kind">The server.</param>
    /// <param name="folders">Where it is.</param>
    /// <param name="environment">Variables for it.</param>
    /// <param name="arguments">What it is told besides what all of its kind are.</param>
    public static ServerProcess Start(ServerKind kind, Folders folders, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        int port = FindFreePort();
        (string file, IReadOnlyList<string> all) = kind.GetCommand(folders, port);
        var start = new ProcessStartInfo(file, [.. all, .. arguments]);
        foreach (string name in start.Environment.Keys.Where(IsForAnotherHost).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Start(start, port);
    }

    /// <summary>Starts any program that will listen at a port, and waits until it does.</summary>
    public static ServerProcess Start(ProcessStartInfo start, int port)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var server = new ServerProcess(new Process { StartInfo = start }, port);
        try
        {
            server.WaitUntilListening();
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>A port that nobody listens at.</summary>
    public static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        try
        {
            // What it would say and count at an orderly end is of no interest, and takes long with thousands of clients.
            _process.Kill();
            _process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
            // It never started.
        }

        _process.Dispose();
    }

    // Where another program listens and what environment it runs in is not meant for these.
    private static bool IsForAnotherHost(string name) =>
        name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name is "DOTNET_ENVIRONMENT" or "PORT" or "NODE_OPTIONS";

    private void WaitUntilListening()
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException) when (!_process.HasExited && Stopwatch.GetElapsedTime(started) < StartTimeout)
            {
                Thread.Sleep(20);
            }
            catch (SocketException exception)
            {
                throw new LoadException($"The server does not listen: {exception.Message}. {Output}");
            }
        }
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            lock (_gate)
            {
                _output.Add(line);
            }
        }
    }
}
