using System.Globalization;
using System.Text.RegularExpressions;

namespace WsServer.Tests.Support;

/// <summary>The balancers' configurations of <c>samples/ScaleOut</c>, with other ports: what the tests run is what the sample and the docs say.</summary>
internal static partial class SampleConfiguration
{
    /// <summary>Reads a configuration.</summary>
    /// <param name="file">Its name.</param>
    /// <param name="port">Where the balancer is to listen.</param>
    /// <param name="nodes">The nodes, each of which gets a line like that of the sample's first.</param>
    public static string Read(string file, int port, IReadOnlyList<Uri> nodes)
    {
        string text = File.ReadAllText(Repository.PathTo("samples", "ScaleOut", file)).Replace(":8080", string.Create(CultureInfo.InvariantCulture, $":{port}"), StringComparison.Ordinal);
        text = SecondNode().Replace(text, "");
        return FirstNode().Replace(text, line => string.Concat(nodes.Select((node, i) => line.Value
            .Replace(":8081", string.Create(CultureInfo.InvariantCulture, $":{node.Port}"), StringComparison.Ordinal)
            .Replace("node-1", string.Create(CultureInfo.InvariantCulture, $"node-{i + 1}"), StringComparison.Ordinal)
            .Replace("cookie 1", string.Create(CultureInfo.InvariantCulture, $"cookie {i + 1}"), StringComparison.Ordinal))));
    }

    [GeneratedRegex("^.*:8081.*\\n", RegexOptions.Multiline)]
    private static partial Regex FirstNode();

    [GeneratedRegex("^.*:8082.*\\n", RegexOptions.Multiline)]
    private static partial Regex SecondNode();
}
