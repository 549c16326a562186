using System.Globalization;
using System.Text;
using WsServer.LoadTest.Measuring;
using WsServer.LoadTest.Scenarios;
using WsServer.LoadTest.Servers;

namespace WsServer.LoadTest.Reports;

/// <summary>A bar chart: each server's figure in each scenario, by that of the reference server.</summary>
internal static class SvgReport
{
    private const int Width = 900;
    private const int LabelWidth = 150;
    private const int BarWidth = 620;
    private const int BarHeight = 13;
    private const int Gap = 14;
    private const int Top = 96;
    private const int ScaleHeight = 30;

    // Bars end here; the number beside them goes on.
    private const double MaxRatio = 2;

    private static readonly string[] Colours = ["#0b7fab", "#8a63d2", "#d9822b", "#3a9d5d", "#c2477f"];

    public static string Create(Report report)
    {
        var tables = report.Tables.ToArray();
        int height = Top + tables.Sum(t => (t.Rows.Count * BarHeight) + Gap) + ScaleHeight;
        var svg = new StringBuilder();
        Add(svg, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" width="{Width}" height="{height}" role="img" aria-label="Load test, ratios to SignalR">""");

        // The background is painted, so that the text can be read wherever the chart is shown.
        svg.Append("""
            <style>
              text { font: 12px system-ui, sans-serif; fill: #1f2328 }
              .title { font-size: 16px; font-weight: 600 }
              .small { font-size: 11px }
              .page { fill: #ffffff }
              .line { stroke: #1f2328; stroke-opacity: .35 }
              @media (prefers-color-scheme: dark) {
                text { fill: #e6edf3 }
                .page { fill: #0d1117 }
                .line { stroke: #e6edf3 }
              }
            </style>

            """);
        Add(svg, $"""<rect class="page" width="{Width}" height="{height}"/>""");
        Add(svg, $"""<text class="title" x="16" y="26">Cost for each message, by that of SignalR (= 1; less is better)</text>""");
        Add(svg, $"""<text class="small" x="16" y="44">CPU time of the server; idle: bytes of memory for each connection. Median of {report.Options.Rounds} {(report.Options.Rounds == 1 ? "round" : "rounds")}, {Date(report.Started)}.</text>""");
        AddLegend(svg, report.Servers);
        AddScale(svg, height - ScaleHeight);
        int y = Top;
        foreach ((Scenario scenario, IReadOnlyList<(ServerKind Server, Summary Summary)> rows) in tables)
        {
            int middle = y + (rows.Count * BarHeight / 2) + 4;
            Add(svg, $"""<text x="{LabelWidth - 10}" y="{middle}" text-anchor="end">{scenario.Name}</text>""");
            foreach ((ServerKind server, Summary summary) in rows)
            {
                AddBar(svg, y, server, summary);
                y += BarHeight;
            }

            y += Gap;
        }

        svg.Append("</svg>\n");
        return svg.ToString();
    }

    private static void AddLegend(StringBuilder svg, IReadOnlyList<ServerKind> servers)
    {
        int x = 16;
        foreach (ServerKind server in servers)
        {
            Add(svg, $"""<rect x="{x}" y="60" width="12" height="12" rx="2" fill="{ColourOf(server)}"/>""");
            Add(svg, $"""<text x="{x + 18}" y="70">{server.Title}</text>""");
            x += 40 + (server.Title.Length * 8);
        }
    }

    private static void AddBar(StringBuilder svg, int y, ServerKind server, Summary summary)
    {
        int baseline = y + BarHeight - 3;
        if (summary.Median is not { } median)
        {
            Add(svg, $"""<text class="small" x="{LabelWidth + 6}" y="{baseline}">{server.Title}: FAILED</text>""");
            return;
        }

        string figure = median.ToString(median < 100 ? "0.00" : "#,0", CultureInfo.InvariantCulture);
        if (summary.Ratio is not { } ratio)
        {
            Add(svg, $"""<text class="small" x="{LabelWidth + 6}" y="{baseline}">{server.Title}: {figure}</text>""");
            return;
        }

        double length = Math.Clamp(ratio, 0, MaxRatio) / MaxRatio * BarWidth;
        string failed = summary.Failures.Count > 0 ? $", {summary.Failures.Count} FAILED" : "";
        string beyond = ratio > MaxRatio ? " →" : "";
        Add(svg, $"""<rect x="{LabelWidth}" y="{y}" width="{length:0.#}" height="{BarHeight - 2}" fill="{ColourOf(server)}"/>""");
        Add(svg, $"""<text class="small" x="{LabelWidth + length + 6:0.#}" y="{baseline}">{ratio:0.00}{beyond} ({figure}{failed})</text>""");
    }

    private static void AddScale(StringBuilder svg, int bottom)
    {
        for (double ratio = 0; ratio <= MaxRatio; ratio += 0.5)
        {
            double x = LabelWidth + (ratio / MaxRatio * BarWidth);
            string dash = ratio == 1 ? "" : " stroke-dasharray=\"2 4\"";
            Add(svg, $"""<line class="line" x1="{x:0.#}" y1="{Top - 8}" x2="{x:0.#}" y2="{bottom - 4}"{dash}/>""");
            Add(svg, $"""<text class="small" x="{x:0.#}" y="{bottom + 12}" text-anchor="middle">{ratio:0.0}</text>""");
        }
    }

    // By its place among all servers, so that it keeps its colour when others are left out.
    private static string ColourOf(ServerKind server) => Colours[ServerKind.All.ToList().IndexOf(server) % Colours.Length];

    private static string Date(DateTimeOffset time) => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static void Add(StringBuilder svg, FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
