using System.Globalization;
using System.Text;

namespace WsServer.Soak.Reports;

/// <summary>The run as four charts, one below the other, over the same time.</summary>
internal static class SoakPlot
{
    private const int Width = 900;
    private const int Left = 90;
    private const int PlotWidth = 770;
    private const int PlotHeight = 110;
    private const int PanelHeight = 165;
    private const int Top = 60;

    private static readonly string[] Colours = ["#0b7fab", "#d9822b"];

    public static string Create(Report report)
    {
        (string Title, (string Name, Func<Sample, double> Value)[] Lines)[] panels =
        [
            ("memory, MB", [("in RAM", s => s.ResidentBytes / 1e6), ("managed, after the last collection", s => s.HeapBytes / 1e6)]),
            ("CPU time for each message, µs", [("server", s => s.CpuMicroseconds)]),
            ("from one member to another, ms", [("p50", s => (s.P50 ?? 0) / 1000), ("p99", s => (s.P99 ?? 0) / 1000)]),
            ("connections", [("open", s => s.Connections)]),
        ];
        int height = Top + (panels.Length * PanelHeight) + 20;
        var svg = new StringBuilder();
        Add(svg, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" width="{Width}" height="{height}" role="img" aria-label="Soak: memory, CPU time, latency and connections over time">""");
        svg.Append("""
            <style>
              text { font: 12px system-ui, sans-serif; fill: #1f2328 }
              .title { font-size: 16px; font-weight: 600 }
              .page { fill: #ffffff }
              .line { stroke: #1f2328; stroke-opacity: .35 }
              polyline { fill: none; stroke-width: 1.2 }
              @media (prefers-color-scheme: dark) {
                text { fill: #e6edf3 }
                .page { fill: #0d1117 }
                .line { stroke: #e6edf3 }
              }
            </style>

            """);
        Add(svg, $"""<rect class="page" width="{Width}" height="{height}"/>""");
        Add(svg, $"""<text class="title" x="16" y="26">{report.Options.Connections} connections for {report.Options.Minutes} minutes: {report.Tally.Messages:#,0} messages</text>""");
        for (int i = 0; i < panels.Length; i++)
        {
            AddPanel(svg, Top + (i * PanelHeight), panels[i].Title, panels[i].Lines, report.Samples);
        }

        svg.Append("</svg>\n");
        return svg.ToString();
    }

    private static void AddPanel(StringBuilder svg, int top, string title, (string Name, Func<Sample, double> Value)[] lines, IReadOnlyList<Sample> samples)
    {
        // A single second that sticks out would flatten all others; it goes beyond the edge instead.
        double[] all = [.. lines.SelectMany(l => samples.Select(l.Value)).Order()];
        double max = all.Length == 0 ? 1 : Math.Max(all[^1] <= 2 * all[all.Length * 99 / 100] ? all[^1] : all[all.Length * 99 / 100], 1e-3);
        double end = samples.Count == 0 ? 1 : samples[^1].Second;
        int bottom = top + 20 + PlotHeight;
        Add(svg, $"""<text x="{Left}" y="{top + 10}">{title}</text>""");
        for (int i = 0; i < lines.Length; i++)
        {
            Add(svg, $"""<text x="{Left + 300 + (i * 200)}" y="{top + 10}" style="fill: {Colours[i]}">{lines[i].Name}</text>""");
        }

        foreach (double share in (double[])[0, 0.5, 1])
        {
            double y = bottom - (share * PlotHeight);
            Add(svg, $"""<line class="line" x1="{Left}" y1="{y:0.#}" x2="{Left + PlotWidth}" y2="{y:0.#}" stroke-dasharray="2 4"/>""");
            Add(svg, $"""<text x="{Left - 8}" y="{y + 4:0.#}" text-anchor="end">{max * share:0.##}</text>""");
            Add(svg, $"""<text x="{Left + (share * PlotWidth):0.#}" y="{bottom + 15}" text-anchor="middle">{TimeSpan.FromSeconds(end * share):mm\:ss}</text>""");
        }

        for (int i = 0; i < lines.Length; i++)
        {
            Func<Sample, double> value = lines[i].Value;
            string points = string.Join(' ', samples.Select(s => string.Create(
                CultureInfo.InvariantCulture,
                $"{Left + (s.Second / end * PlotWidth):0.#},{bottom - (Math.Min(value(s) / max, 1.05) * PlotHeight):0.#}")));
            Add(svg, $"""<polyline points="{points}" stroke="{Colours[i]}"/>""");
        }
    }

    private static void Add(StringBuilder svg, FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
