using System.ComponentModel;
using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Native;
using WsServer.LoadTest.Scenarios;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest;

/// <summary>Runs the rounds. In each, the servers take turns at every group of scenarios, and another begins.</summary>
internal sealed class Runner(Options options, Folders folders, IReadOnlyList<ServerKind> servers, CancellationToken cancellation) : IDisposable
{
    // What a process has open besides its connections.
    private const int OtherDescriptors = 500;

    private readonly List<Cell> _cells = [];
    private Session? _session;

    /// <summary>Runs everything; a failure costs one cell, not the rest.</summary>
    public IReadOnlyList<Cell> Run()
    {
        IReadOnlyList<Scenario> scenarios = LeaveOutTooLarge();
        for (int round = 1; round <= options.Rounds; round++)
        {
            foreach (IGrouping<string, Scenario> group in scenarios.GroupBy(s => s.Group))
            {
                for (int turn = 0; turn < servers.Count; turn++)
                {
                    Run(round, servers[(round - 1 + turn) % servers.Count], group);
                }
            }
        }

        return _cells;
    }

    /// <summary>Ends the server that is running, if one is.</summary>
    public void Dispose()
    {
        _session?.Dispose();
        _session = null;
    }

    private static string Describe(Measurement measurement) => string.Create(
        CultureInfo.InvariantCulture,
        $"{measurement.Value,10:N2}  {measurement.Messages:N0} in {measurement.Seconds:N1} s; CPU: server {measurement.ServerCpuSeconds:N2} s")
        + (measurement.ClientCpuMicroseconds is { } client ? string.Create(CultureInfo.InvariantCulture, $", client {client:N2} µs each") : "")
        + (measurement.IsDisturbed ? string.Create(CultureInfo.InvariantCulture, $", others {measurement.OtherCpuSeconds:N2} s") : "");

    private void Run(int round, ServerKind server, IEnumerable<Scenario> group)
    {
        Timing timing = options.IsQuick ? Timing.Quick : Timing.Full;
        foreach (Scenario scenario in group)
        {
            Cell cell;
            try
            {
                _session ??= new Session(server, folders, options.ServerEnvironment, cancellation);
                cell = new Cell(round, scenario.Name, server.Name, scenario.Measure(_session, timing), Failure: null);
            }
            catch (Exception exception) when (exception is LoadException or HttpRequestException or TaskCanceledException or IOException or Win32Exception)
            {
                // A server that has failed once is in no state to be measured further.
                cell = new Cell(round, scenario.Name, server.Name, Measurement: null, $"{exception.Message} {_session?.Server.Output}".TrimEnd());
                Dispose();
            }

            _cells.Add(cell);
            string figures = cell.Measurement is { } measurement ? Describe(measurement) : $"FAILED: {cell.Failure}";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{round}/{options.Rounds}  {scenario.Name,-22} {server.Name,-16} {figures}"));
        }

        Dispose();
    }

    private IReadOnlyList<Scenario> LeaveOutTooLarge()
    {
        const int OpenFiles = 7;
        if (Libc.GetLimit(OpenFiles, out Libc.Limit limit) < 0)
        {
            return options.Scenarios;
        }

        // .NET and Node.js both raise the soft limit to the hard one.
        Scenario[] possible = [.. options.Scenarios.Where(s => (ulong)(s.Connections + OtherDescriptors) <= limit.Hard)];
        foreach (Scenario scenario in options.Scenarios.Except(possible))
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{scenario.Name} is left out: a process may open {limit.Hard} files here (ulimit -Hn), and it needs {scenario.Connections + OtherDescriptors}."));
        }

        return possible;
    }
}
