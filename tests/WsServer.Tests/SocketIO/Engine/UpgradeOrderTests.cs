using System.Globalization;
using FluentAssertions;
using WsServer.Connections;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

/// <summary>Nothing is lost, doubled or overtaken when a WebSocket takes the place of polling.</summary>
public class UpgradeOrderTests
{
    [Fact]
    public async Task What_the_server_sends_during_upgrades_arrives_once_and_in_order()
    {
        const int Messages = 2_000;
        await using EngineHost host = await EngineHost.StartAsync(async session =>
        {
            Task<TransportMessage> end = session.ReceiveAsync(CancellationToken.None).AsTask();
            for (int i = 0; i < Messages; i++)
            {
                await EngineHost.SendAsync(session, Message(i));
                await Task.Yield();
            }

            await end;
        });

        for (int round = 0; round < 20; round++)
        {
            using EngineClient client = await EngineClient.OpenAsync(host);
            var received = new List<string>();
            using EngineWebSocket socket = await client.ConnectAsync();
            await socket.SendAsync("2probe");
            (await socket.ReceiveAsync()).Should().Be("3probe");
            for (int poll = 0; poll < round % 4; poll++)
            {
                received.AddRange((await client.GetAsync()).Body.Split(EngineClient.Separator));
            }

            await socket.SendAsync("5");
            while (received.Count < Messages)
            {
                received.Add((await socket.ReceiveAsync())!);
            }

            received.Should().Equal(Enumerable.Range(0, Messages).Select(i => "4" + Message(i)));
        }

        // So long that the buffer of a polling client does not hold them all.
        static string Message(int number) => number.ToString(CultureInfo.InvariantCulture).PadRight(300, '.');
    }

    [Fact]
    public async Task What_a_client_sends_before_and_after_the_switch_is_heard_once_and_in_order()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        for (int round = 0; round < 20; round++)
        {
            using EngineClient client = await EngineClient.OpenAsync(host);
            using EngineWebSocket socket = await client.ConnectAsync();
            await socket.SendAsync("2probe");
            (await socket.ReceiveAsync()).Should().Be("3probe");
            string[] packets = [.. Enumerable.Range(0, 20).Select(i => string.Create(CultureInfo.InvariantCulture, $"4{i}"))];

            await client.PostAsync(packets[..10]);
            await socket.SendAsync("5");
            foreach (string packet in packets[10..])
            {
                await socket.SendAsync(packet);
            }

            foreach (string packet in packets)
            {
                (await socket.ReceiveAsync()).Should().Be(packet);
            }
        }
    }

    [Fact]
    public async Task Until_the_client_switches_messages_go_by_polling()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using EngineWebSocket socket = await client.ConnectAsync();
        await socket.SendAsync("2probe");
        await socket.ReceiveAsync();

        (await client.PostAsync("4a")).Body.Should().Be("ok");
        (await client.GetAsync()).Body.Should().Be("4a");
        await client.PostAsync("4b", "4c");
        await socket.SendAsync("5");
        await socket.SendAsync("4d");

        (await socket.ReceiveAsync()).Should().Be("4b");
        (await socket.ReceiveAsync()).Should().Be("4c");
        (await socket.ReceiveAsync()).Should().Be("4d");
    }
}
