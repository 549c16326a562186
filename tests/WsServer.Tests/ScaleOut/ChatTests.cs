using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Backplane;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.ScaleOut;

/// <summary>Three nodes of the application behind nginx, as one server.</summary>
[Collection(nameof(SharedBroker))]
public class ChatTests(SharedBroker shared)
{
    private readonly string _exchange = $"test-{Guid.NewGuid():N}";

    [NodesFact]
    public async Task Clients_that_nginx_has_spread_over_the_nodes_hear_each_other()
    {
        await using ServerGroup group = await StartAsync(3);
        EventClient[] clients = await group.ConnectToEachAsync("/chat");
        foreach (EventClient client in clients)
        {
            (await client.AskAsync("join-room", """{"type":"dev","user":"somebody"}""")).GetProperty("data").GetString().Should().Be("success");
        }

        for (int i = 0; i < clients.Length; i++)
        {
            (await clients[i].AskAsync("say", $$"""{"room":"room:dev","msg":"{{i}}"}""")).TryGetProperty("error", out _).Should().BeFalse();
        }

        for (int i = 0; i < clients.Length; i++)
        {
            string[] heard = [await SaidAsync(clients[i]), await SaidAsync(clients[i])];
            heard.Should().BeEquivalentTo(Enumerable.Range(0, 3).Where(n => n != i).Select(n => $"{n}"));
            await clients[i].DisposeAsync();
        }

        EventClient[] lobby = await group.ConnectToEachAsync();
        await lobby[0].AskAsync("broadcast", "\"to the others\"");
        await lobby[2].AskAsync("message", "\"to all\"");

        foreach (EventClient client in lobby)
        {
            string[] heard = [await ResponseAsync(client), client == lobby[0] ? "to the others" : await ResponseAsync(client)];
            heard.Should().BeEquivalentTo("to all", "to the others");
            await client.DisposeAsync();
        }

        async Task<string> SaidAsync(EventClient client) => (await client.EventAsync("said")).GetProperty("data").GetProperty("msg").GetString()!;
        async Task<string> ResponseAsync(EventClient client) => (await client.EventAsync("response")).GetProperty("data").GetString()!;
    }

    [NodesFact]
    public async Task Everybody_is_told_who_is_there_on_all_nodes()
    {
        await using ServerGroup group = await StartAsync(2);
        await using EventServerHost watcher = await WatchingNode.StartAsync(shared.Broker.Uri, _exchange);
        await Within.UntilAsync(() => watcher.Io.Nodes.Count == 3, "the nodes know one another");
        EventClient[] lobby = await group.ConnectToEachAsync();
        EventClient[] chat = await group.ConnectToEachAsync("/chat");
        string[] names = ["Ada", "Bob"];
        for (int i = 0; i < 2; i++)
        {
            await lobby[i].AskAsync("login", $$"""{"name":"{{names[i]}}","userid":{{i}}}""");
            await chat[i].AskAsync("join-room", $$"""{"type":"dev","user":"{{names[i]}}"}""");
        }

        foreach (EventClient client in lobby)
        {
            await client.ExpectAsync(m => PeopleOf(m, p => string.Join(' ', p.EnumerateArray().Select(u => $"{u.GetProperty("name")} {u.GetProperty("userid")}"))) == "Ada 0 Bob 1", "both people");
            await client.DisposeAsync();
        }

        foreach (EventClient client in chat)
        {
            await client.ExpectAsync(m => PeopleOf(m, p => string.Join(' ', p.GetProperty("people").EnumerateArray())) == "Ada Bob", "both people");
            await client.DisposeAsync();
        }

        static string? PeopleOf(JsonElement message, Func<JsonElement, string> describe) =>
            message.TryGetProperty("event", out JsonElement name) && name.ValueEquals("people") ? describe(message.GetProperty("data")) : null;
    }

    [NodesFact]
    public async Task A_node_reaches_finds_asks_and_puts_out_the_clients_of_the_others()
    {
        await using ServerGroup group = await StartAsync(2);
        await using EventServerHost watcher = await WatchingNode.StartAsync(shared.Broker.Uri, _exchange);
        await Within.UntilAsync(() => watcher.Io.Nodes.Count == 3, "the nodes know one another");
        EventClient[] clients = await group.ConnectToEachAsync("/chat");
        await using EventClient first = clients[0];
        await using EventClient second = clients[1];
        EventNamespace chat = watcher.Io.Of("/chat");

        await chat.To(second.Sid).EmitAsync("for you", 1);
        await chat.EmitAsync("for all");
        await first.EventAsync("for all");
        (await first.EventsSoFarAsync("for you")).Should().BeEmpty();
        (await second.EventAsync("for you")).GetProperty("data").GetInt32().Should().Be(1);

        Task<BroadcastAcks<string>> asking = chat.EmitWithAcksAsync<string>("who");
        foreach (EventClient client in clients)
        {
            JsonElement asked = await client.EventAsync("who");
            await client.SendAsync($$"""{"ack":{{asked.GetProperty("id").GetRawText()}},"data":"{{client.Sid}}"}""");
        }

        (await asking).Values.Should().BeEquivalentTo(first.Sid, second.Sid);
        (await chat.FetchSocketsAsync()).Select(s => s.Id).Should().BeEquivalentTo(first.Sid, second.Sid);

        await chat.In(first.Sid).DisconnectSocketsAsync(close: true);
        (await first.ClosedAsync()).Should().Be(1000);
    }

    [NodesFact]
    public async Task A_node_that_is_killed_takes_nobody_with_it()
    {
        await using ServerGroup group = await StartAsync(3);
        await using EventServerHost watcher = await WatchingNode.StartAsync(shared.Broker.Uri, _exchange);
        await Within.UntilAsync(() => watcher.Io.Nodes.Count == 4, "the nodes know one another");
        await using EventClient here = await group.ConnectAsync(0, "/chat");
        await using EventClient there = await group.ConnectAsync(1, "/chat");
        await using EventClient dying = await group.ConnectAsync(2, "/chat");
        foreach (EventClient client in new[] { here, there, dying })
        {
            await JoinAsync(client);
        }

        await group.KillNodeAsync(2);

        await dying.ClosedAsync();
        await here.AskAsync("say", """{"room":"room:dev","msg":"still here"}""");
        await there.EventAsync("said");

        // Its client comes back at once, through nginx, wherever that leads.
        await using EventClient back = await group.ConnectAsync("/chat");
        await JoinAsync(back);
        await there.AskAsync("say", """{"room":"room:dev","msg":"welcome back"}""");
        (await back.EventAsync("said")).GetProperty("data").GetProperty("msg").GetString().Should().Be("welcome back");

        // No ghost is left: neither of the node nor of its sockets.
        await Within.UntilAsync(() => watcher.Io.Nodes.Count == 3, "the node is given up");
        (await watcher.Io.Of("/chat").In("room:dev").FetchSocketsAsync()).Select(s => s.Id).Should().BeEquivalentTo(here.Sid, there.Sid, back.Sid);

        // Another at its place is a new node, and no stranger.
        await group.StartNodeAsync(2);
        await Within.UntilAsync(() => watcher.Io.Nodes.Count == 4, "the new one is there");
        await using EventClient late = await group.ConnectAsync(2, "/chat");
        ServerGroup.NodeOf(late.Sid).Should().NotBe(ServerGroup.NodeOf(dying.Sid));
        await JoinAsync(late);
        await here.AskAsync("say", """{"room":"room:dev","msg":"to the new one"}""");
        (await late.EventAsync("said")).GetProperty("data").GetProperty("msg").GetString().Should().Be("to the new one");
    }

    private static Task<JsonElement> JoinAsync(EventClient client) => client.AskAsync("join-room", """{"type":"dev","user":"somebody"}""");

    private Task<ServerGroup> StartAsync(int count) => ServerGroup.StartAsync([.. Enumerable.Repeat(shared.Broker.Uri, count)], $"--Events:RabbitMQ:Exchange={_exchange}");
}
