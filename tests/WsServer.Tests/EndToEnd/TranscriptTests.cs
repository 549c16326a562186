using System.Text.RegularExpressions;
using FluentAssertions;
using WsServer.Tests.Support;

namespace WsServer.Tests.EndToEnd;

/// <summary>The transcripts in the documents, read from there, typed into the real wscat and compared.</summary>
public class TranscriptTests
{
    private static readonly TimeSpan BuildPatience = TimeSpan.FromMinutes(3);

    [NodeFact]
    public async Task The_transcripts_of_the_protocol_document_are_what_wscat_shows()
    {
        string[] transcripts = BlocksOf("console", "docs", "protocol.md");
        transcripts.Should().HaveCountGreaterThan(3);
        foreach (string transcript in transcripts)
        {
            // Each on a server of its own: who is logged in shows.
            await using App app = await App.StartAsync();
            await FollowAsync(transcript, app.Address);
        }
    }

    [NodeFact]
    public async Task The_readmes_transcripts_are_what_wscat_shows()
    {
        string[] transcripts = BlocksOf("console", "README.md");
        transcripts.Should().HaveCount(2);
        await using (App app = await App.StartAsync())
        {
            await FollowAsync(transcripts[0], app.Address);
        }

        await using RunningProcess smallest = await StartSmallestServerAsync();
        await FollowAsync(transcripts[1], await smallest.WaitForAddressAsync());
    }

    private static async Task<RunningProcess> StartSmallestServerAsync()
    {
        // Not in the root of the repository, where it would be left behind, but below it, as its build settings count.
        string code = BlocksOf("csharp", "README.md").Should().ContainSingle().Subject
            .Replace("#:project src/", "#:project ../src/", StringComparison.Ordinal)
            .Replace("http://localhost:3000", "http://127.0.0.1:0", StringComparison.Ordinal);
        string file = Repository.PathTo("artifacts", "server.cs");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, code);
        string output = await RunningProcess.RunAsync(
            BuildPatience, "dotnet", "build", file, "--configuration", Repository.Configuration, "-target:Build", "-getProperty:TargetPath");
        return RunningProcess.Start("dotnet", "exec", output.Split('\n')[^1].Trim());
    }

    private static string[] BlocksOf(string language, params string[] document) =>
        [.. Regex.Matches(File.ReadAllText(Repository.PathTo(document)), $"^```{language}\n(.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline).Select(m => m.Groups[1].Value)];

    /// <summary>Types what follows <c>&gt;</c> and expects what follows <c>&lt;</c>; <c>…</c> stands for anything.</summary>
    private static async Task FollowAsync(string transcript, Uri address)
    {
        string[] lines = transcript.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Match command = Regex.Match(lines[0], @"^\$ wscat -c ws://localhost:3000(\S*)$");
        command.Success.Should().BeTrue("'{0}' should call wscat", lines[0]);
        string url = $"ws://{address.Authority}{command.Groups[1].Value}";
        await using RunningProcess wscat = RunningProcess.Start(Requirements.Node!, Requirements.Wscat, "--no-color", "-c", url);
        foreach (string line in lines[1..])
        {
            if (line.StartsWith("> ", StringComparison.Ordinal))
            {
                await wscat.WriteLineAsync(line[2..]);
            }
            else if (line.StartsWith("< ", StringComparison.Ordinal))
            {
                string shown = await ReadAsync(wscat);
                shown.Should().MatchRegex($"^{Regex.Escape(line[2..]).Replace("…", ".+", StringComparison.Ordinal)}$");
            }
            else if (line.StartsWith("Disconnected", StringComparison.Ordinal))
            {
                // Without a terminal wscat does not say so, but ends.
                await wscat.WaitForExitAsync(RunningProcess.Patience);
                return;
            }
            else
            {
                line.Should().Be("Connected (press CTRL+C to quit)");
            }
        }

        // Nothing else has come.
        await wscat.WriteLineAsync("""{"ping":"the end"}""");
        (await ReadAsync(wscat)).Should().Be("""{"pong":"the end"}""");
    }

    // Without a terminal wscat still writes a prompt after each line typed, and the answer lands behind it.
    private static async Task<string> ReadAsync(RunningProcess wscat) => (await wscat.WaitForLineAsync(new Regex(@"^(?:> )*(.+)$"))).Groups[1].Value;
}
