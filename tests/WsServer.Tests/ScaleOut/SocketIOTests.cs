using System.Text.Json;
using System.Text.RegularExpressions;
using FluentAssertions;
using WsServer.Tests.Backplane;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.ScaleOut;

/// <summary>The real socket.io-client from npm, over several nodes behind each of the balancers of the sample.</summary>
[Collection(nameof(SharedBroker))]
public partial class SocketIOTests(SharedBroker shared)
{
    private static readonly string Script = Repository.PathTo("tests", "node", "socketio-nodes.mjs");

    [NodesTheory]
    [InlineData("nginx", "websocket")]
    [InlineData("nginx", "polling")]
    [InlineData("nginx", "upgrade")]
    [InlineData("haproxy", "websocket")]
    [InlineData("haproxy", "polling")]
    [InlineData("haproxy", "upgrade")]
    public async Task Clients_of_both_kinds_share_a_room_over_all_nodes(string balancer, string mode)
    {
        await using ServerGroup group = await ServerGroup.StartAsync(
            [.. Enumerable.Repeat(shared.Broker.Uri, 2)], $"--Events:RabbitMQ:Exchange=test-{Guid.NewGuid():N}", "--AllowedHosts=*", "--Events:ConnectTimeout=00:00:20");
        await using HaProxy? haproxy = balancer == "haproxy" ? await HaProxy.StartSampleAsync(group.Addresses) : null;
        await using EventClient native = await group.ConnectAsync("/chat");
        await native.AskAsync("chat message", """{"name":"native","room":"both","msg":"I am here"}""");

        await using RunningProcess script = RunningProcess.Start(Requirements.Node!, Script, (haproxy?.Http ?? group.Balancer.Http).ToString(), mode);

        // The clients of the script are on both nodes, have heard one another, and now wait for the native one.
        MatchCollection nodes = NodeId().Matches((await script.WaitForLineAsync(new Regex("^nodes: .*$"))).Value);
        nodes.Select(m => m.Value).Distinct().Should().HaveCount(2);
        nodes.Select(m => m.Value).Should().Contain(ServerGroup.NodeOf(native.Sid));
        await native.AskAsync("chat message", """{"name":"native","room":"both","msg":"from a native client"}""");

        (await script.WaitForExitAsync(RunningProcess.Patience)).Should().Be(0, script.Transcript);
        string[] heard = [.. (await native.EventsSoFarAsync("chat message")).Select((JsonElement e) => e.GetProperty("data").GetString()!)];
        heard.Where(m => m.StartsWith("from Socket.IO", StringComparison.Ordinal)).Should().OnlyHaveUniqueItems().And.HaveCount(nodes.Count);
    }

    [GeneratedRegex("[A-Za-z0-9_-]{8}(?= |$)")]
    private static partial Regex NodeId();
}
