using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO.Clients;

/// <summary>The real socket.io-client from npm, over each of its transports; what it tries is in <c>tests/node</c>.</summary>
public class NodeClientTests
{
    private static readonly string Script = Repository.PathTo("tests", "node", "socketio.mjs");

    private static readonly string[] Scenarios =
    [
        "auth", "refused", "unknown namespace", "namespaces", "transport",
        "events", "acks", "volatile", "rooms", "binary",
        "the client leaves", "the client closes", "the server puts out", "the server hangs up", "reconnection",
    ];

    public static TheoryData<string> Modes => new("polling", "websocket", "upgrade");

    public static TheoryData<string, string> ScenariosOfModes
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string mode in (string[])["polling", "websocket", "upgrade"])
            {
                foreach (string scenario in Scenarios)
                {
                    data.Add(mode, scenario);
                }
            }

            return data;
        }
    }

    [NodeTheory]
    [MemberData(nameof(ScenariosOfModes))]
    public async Task The_client_finds_all_as_it_must_be(string mode, string scenario)
    {
        await using ClientServer server = await ClientServer.StartAsync();

        await RunAsync(server, mode, scenario);
    }

    [NodeTheory]
    [MemberData(nameof(Modes))]
    public async Task A_client_that_was_cut_off_comes_back_to_what_it_had(string mode)
    {
        await using ClientServer server = await ClientServer.StartAsync(recovers: true);

        await RunAsync(server, mode, "recovery");
    }

    [NodeTheory]
    [InlineData("websocket")]
    public async Task A_client_that_was_cut_off_comes_back_to_what_it_had_on_another_node(string mode)
    {
        await using ClientServer server = await ClientServer.StartOnTwoNodesAsync();

        await RunAsync(server, mode, "recovery");

        server.RecoveredElsewhere.Should().Be(1);
    }

    [NodeTheory]
    [MemberData(nameof(Modes))]
    public async Task Clients_of_both_kinds_hear_each_other_in_one_room(string mode)
    {
        await using ClientServer server = await ClientServer.StartAsync();
        await using EventClient native = await server.ConnectNativeAsync("/?binary=1");
        await native.AskAsync("join", "\"both\"");

        Task<string> running = RunAsync(server, mode, "both kinds");

        JsonElement text = (await native.EventAsync("in-room")).GetProperty("data");
        text.GetProperty("from").GetString().Should().Be("Socket.IO");
        await native.SendAsync($$$"""{"event":"to-room","args":["both",{"from":"native","heard":"{{{text.GetProperty("text").GetString()}}}"}]}""");

        Received binary = await native.ReceiveAsync(r => r.IsBinary, "the bytes");
        binary.Json.GetProperty("data").GetProperty("data").GetProperty("num").GetInt32().Should().Be(0);
        binary.Attachments.Should().Equal(1, 2, 3);
        await native.SendBinaryAsync("""{"event":"to-room","args":["both",{"data":{"_placeholder":true,"num":0}}],"bin":[3]}""", 3, 2, 1);
        await running;
    }

    private static Task<string> RunAsync(ClientServer server, string mode, string scenario) =>
        RunningProcess.RunAsync(RunningProcess.Patience, Requirements.Node ?? throw new InvalidOperationException("No Node.js was found."), Script, server.Http.ToString(), mode, scenario);
}
