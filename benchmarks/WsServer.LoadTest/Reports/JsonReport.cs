using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Reports;

/// <summary>All figures, those of each round and those of all rounds together.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Settings = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,

        // For the sign of micro.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Create(Report report)
    {
        var document = new
        {
            report.Started,
            Machine = new
            {
                Processor = ReadProcessor(),
                Processors = Environment.ProcessorCount,
                MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
                System = RuntimeInformation.OSDescription,
                Architecture = RuntimeInformation.ProcessArchitecture.ToString(),
                Framework = RuntimeInformation.FrameworkDescription,
                Node = ServerBuild.GetVersion("node"),
            },
            report.Options.IsQuick,
            report.Options.Rounds,
            report.Options.ServerEnvironment,
            ServerKind.Reference,
            Servers = report.Servers.Select(s => new { s.Name, s.Title }),
            Scenarios = report.Tables.Select(t => new { t.Scenario.Name, t.Scenario.Description, t.Scenario.Unit, t.Scenario.Connections }),
            Summary = report.Summaries,
            report.Cells,
        };
        return JsonSerializer.Serialize(document, Settings) + "\n";
    }

    private static string? ReadProcessor() => File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?
        .Split(':', 2)[1].Trim().ToString(CultureInfo.InvariantCulture);
}
