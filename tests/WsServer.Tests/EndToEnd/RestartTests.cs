using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>A server that stops and starts again, with a file between the two.</summary>
public sealed class RestartTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("wsserver-").FullName;

    private string Saved => Path.Combine(_folder, "recovery.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_client_comes_back_over_a_restart_to_its_id_its_rooms_its_items_and_what_it_missed()
    {
        EventServerHost first = await StartAsync();
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(first);
        string sid = client.Sid;
        EventSocket before = first.Io.Root.FindSocket(sid)!;
        await before.JoinAsync("ours");
        await before.SetPresenceAsync("Ada");
        before.Items["name"] = "Ada";
        before.Items["age"] = 36;
        before.Items["height"] = 1.7;
        before.Items["gone"] = new object();
        using (JsonDocument document = JsonDocument.Parse("[1]"))
        {
            before.Items["disposed"] = document.RootElement;
        }

        await first.Io.EmitAsync("had");
        await client.EventAsync("had");

        (string Session, long? Seq) had = (client.Session, client.Seq);
        await first.App.StopAsync();
        (await client.Connection.ClosedAsync()).Should().Be(1001);
        await first.DisposeAsync();
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(Saved).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite, "there are secrets in it");
        }

        await using EventServerHost second = await StartAsync();
        File.Exists(Saved).Should().BeFalse();
        await second.Io.To("ours").EmitAsync("missed", 1);
        await second.Io.To("theirs").EmitAsync("not for it");
        await second.Io.To(sid).EmitAsync("to it alone", new byte[] { 1, 2, 3 });
        await using var back = new RecoveringClient(second) { Session = had.Session, Seq = had.Seq };
        List<string> missed = await back.ComeBackToAsync();

        missed.Should().Equal("missed", "to it alone");
        (back.IsRecovered, back.Sid).Should().Be((true, sid));
        EventSocket after = second.Io.Root.FindSocket(sid)!;
        after.Rooms.Should().BeEquivalentTo(sid, "ours");
        after.Items.Should().BeEquivalentTo(new Dictionary<object, object?> { ["name"] = "Ada", ["age"] = 36, ["height"] = 1.7 });
        (await second.Io.In("ours").PresenceAsync()).Single().Get<string>().Should().Be("Ada");
        first.Log.Errors.Concat(second.Log.Errors).Should().BeEmpty();
    }

    [Fact]
    public async Task A_stream_of_events_over_several_restarts_has_no_gap_and_nothing_twice()
    {
        const int Restarts = 4;
        int emitted = 0;
        var received = new List<int>();
        string session = "";
        long? seq = null;
        for (int run = 0; run <= Restarts; run++)
        {
            var stop = new TaskCompletionSource();
            Task emitting = Task.CompletedTask;

            // It ends when the client's socket goes, which waits for it: what is emitted after the stop is for nobody.
            await using EventServerHost host = await StartAsync(gone: () =>
            {
                stop.SetResult();
                return emitting;
            });
            for (int i = 0; i < 20; i++)
            {
                // Before the client is back: the namespace is there for its sake, but for the first time.
                if (host.Io.Namespaces.SingleOrDefault(n => n.Name == "/feed") is { } feed)
                {
                    await feed.To("stream").EmitAsync("n", ++emitted);
                }
            }

            await using RecoveringClient client = run == 0 ? await RecoveringClient.ConnectAsync(host, "/feed") : new RecoveringClient(host, "/feed") { Session = session, Seq = seq };
            if (run > 0)
            {
                received.AddRange((await client.ComeBackAsync()).Select(e => e.GetProperty("data").GetInt32()));
                client.IsRecovered.Should().BeTrue();
            }

            // Until the very end of this one.
            emitting = Task.Run(() => EmitAsync(host, stop.Task, () => ++emitted));
            (session, seq) = (client.Session, client.Seq);
            await Within.UntilAsync(() => client.Connection.Waiting.Count > 50, "events come");
            await host.App.StopAsync();
            (await client.Connection.ClosedAsync()).Should().Be(1001);
            foreach (JsonElement e in client.Connection.Waiting.Select(r => r.Json).Where(j => j.TryGetProperty("event", out _)))
            {
                received.Add(e.GetProperty("data").GetInt32());
                seq = e.GetProperty("seq").GetInt64();
            }
        }

        received.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        received.Should().Equal(Enumerable.Range(1, received.Count), "nothing is missing");
        received.Should().HaveCountGreaterThan(Restarts * 50);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{\"Version\":99,\"SavedAt\":\"2030-01-01T00:00:00+00:00\",\"Namespaces\":[]}")]
    [InlineData("{\"Version\":1,\"SavedAt\":\"2030-01-01T00:00:00+00:00\",\"Namespaces\":null}")]
    [InlineData("{\"Version\":1,\"SavedAt\":\"2030-01-01T00:00:00+00:00\",\"Namespaces\":[null]}")]
    [InlineData("{\"Version\":1,\"SavedAt\":\"2030-01-01T00:00:00+00:00\",\"Namespaces\":[{\"Name\":\"/\",\"Position\":1,\"Events\":null,\"Sockets\":[]}]}")]
    public async Task A_file_that_cannot_be_read_is_said_and_removed_and_the_server_starts(string content)
    {
        await File.WriteAllTextAsync(Saved, content);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Saved, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        await using EventServerHost host = await StartAsync();
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);

        host.Log.Errors.Should().ContainSingle(e => e.Message.Contains(Saved));
        File.Exists(Saved).Should().BeFalse();
    }

    [LinuxFact]
    public async Task A_file_that_others_may_write_is_not_believed()
    {
        EventServerHost first = await StartAsync();
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(first);
        await first.App.StopAsync();
        await first.DisposeAsync();
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Saved, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);
        }

        await using EventServerHost second = await StartAsync();

        second.Log.Errors.Should().ContainSingle(e => e.Message.Contains(Saved));
        second.Io.Runtime.Recovery.CutOff.Count.Should().Be(0);
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_said_and_the_server_stops_as_ever()
    {
        EventServerHost host = await StartAsync(Path.Combine(_folder, "no such folder", "recovery.json"));
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(host);

        await host.App.StopAsync();

        (await client.Connection.ClosedAsync()).Should().Be(1001);
        host.Log.Errors.Should().ContainSingle(e => e.Message.Contains("could not be left"));
        await host.DisposeAsync();
    }

    [Fact]
    public async Task Who_was_away_for_longer_than_the_window_begins_anew()
    {
        EventServerHost first = await StartAsync();
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(first);
        string sid = client.Sid;
        await first.App.StopAsync();
        await first.DisposeAsync();
        string old = (await File.ReadAllTextAsync(Saved)).Replace("\"Age\":\"00:00:0", "\"Age\":\"00:03:0", StringComparison.Ordinal);
        await File.WriteAllTextAsync(Saved, old);

        await using EventServerHost second = await StartAsync();
        await using var back = new RecoveringClient(second) { Session = client.Session, Seq = client.Seq };
        await back.ComeBackAsync();

        back.IsRecovered.Should().BeFalse();
        back.Sid.Should().NotBe(sid);
        second.Io.Runtime.Recovery.CutOff.Count.Should().Be(0);
    }

    [Fact]
    public async Task Without_a_file_a_restart_ends_all_sessions()
    {
        EventServerHost first = await EventServerHost.StartAsync();
        await using RecoveringClient client = await RecoveringClient.ConnectAsync(first);
        await first.App.StopAsync();
        await first.DisposeAsync();

        await using EventServerHost second = await EventServerHost.StartAsync();
        await using var back = new RecoveringClient(second) { Session = client.Session, Seq = client.Seq };
        await back.ComeBackAsync();

        back.IsRecovered.Should().BeFalse();
    }

    private static async Task EmitAsync(EventServerHost host, Task stop, Func<int> next)
    {
        EventNamespace feed = host.Io.Namespaces.Single(n => n.Name == "/feed");
        while (!stop.IsCompleted)
        {
            await feed.To("stream").EmitAsync("n", next());
            await Task.Yield();
        }
    }

    private Task<EventServerHost> StartAsync(string? file = null, Func<Task>? gone = null) => EventServerHost.StartAsync(
        io =>
        {
            io.Of(name => name == "/feed", feed =>
            {
                feed.OnConnection(s => s.Recovered ? Task.CompletedTask : s.JoinAsync("stream"));
                feed.OnDisconnect((_, _) => gone?.Invoke() ?? Task.CompletedTask);
            });
        },
        o => o.RecoveryFile = file ?? Saved);
}
