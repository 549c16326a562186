using System.Globalization;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.ScaleOut;

/// <summary><c>samples/ScaleOut/run</c>, as somebody runs it who tries it out.</summary>
public class SampleTests
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    [NodesFact]
    public async Task The_sample_starts_two_nodes_that_chat_and_leaves_nothing_behind()
    {
        const int Ports = 6;
        int port = FreePort.FindRow(Ports);
        await using RunningProcess sample = RunningProcess.Start(
            Repository.PathTo("samples", "ScaleOut", "run"), "--no-build", "--configuration", Repository.Configuration, "--port", port.ToString(CultureInfo.InvariantCulture));
        await Within.UntilAsync(() => sample.HasExited || sample.Transcript.Contains("Open http://localhost", StringComparison.Ordinal), "it has started", StartPatience);
        sample.HasExited.Should().BeFalse(sample.Transcript);
        var url = new Uri(string.Create(CultureInfo.InvariantCulture, $"ws://127.0.0.1:{port}/chat"));

        await using EventClient ada = await EventClient.OpenAsync(url);
        await ada.WelcomedAsync();
        await using EventClient bob = await EventClient.OpenAsync(url);
        await bob.WelcomedAsync();
        ServerGroup.NodeOf(ada.Sid).Should().NotBe(ServerGroup.NodeOf(bob.Sid), "nginx gives them to the nodes in turn");
        await ada.AskAsync("chat message", """{"name":"Ada","room":"kitchen","msg":"Is anybody there?"}""");
        await bob.AskAsync("chat message", """{"name":"Bob","room":"kitchen","msg":"I am."}""");
        await ada.ExpectAsync(m => m.TryGetProperty("data", out System.Text.Json.JsonElement data) && data.ToString() == "I am.", "the answer");

        (await sample.StopAsync()).Should().Be(0, sample.Transcript);
        for (int i = 0; i < Ports; i++)
        {
            FreePort.IsTaken(port + i).Should().BeFalse($"nobody is left at port {port + i}");
        }
    }

    [Theory]
    [InlineData("nginx.conf", "map $http_upgrade")]
    [InlineData("haproxy.cfg", "defaults")]
    public void The_docs_say_what_the_sample_and_the_tests_run(string file, string firstLine)
    {
        // nginx's is without the braces of "http" around it.
        string[] sample = [.. Lines("samples", "ScaleOut", file).SkipWhile(l => !l.StartsWith(firstLine, StringComparison.Ordinal)).SkipLast(file == "nginx.conf" ? 1 : 0)];

        sample.Should().HaveCountGreaterThan(10);
        string.Join('\n', Lines("docs", "scale-out.md")).Should().Contain(string.Join('\n', sample));
    }

    private static IEnumerable<string> Lines(params string[] path) => File.ReadLines(Repository.PathTo(path)).Select(l => l.Trim()).Where(l => l.Length > 0);
}
