using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class ManyConnectionsTests
{
    private const int Connections = 1_000;
    private const int Events = 100;

    [Fact]
    public async Task A_thousand_connections_with_a_hundred_acked_events_each_get_every_answer_right_and_in_order()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On<Sum, int>("add", async (_, sum, _) =>
            {
                // Every other handler leaves its thread, so that both ways of completing are mixed.
                if (sum.B % 2 == 0)
                {
                    await Task.Yield();
                }

                return sum.A + sum.B;
            }),
            options => options.MaxQueuedEvents = 16);

        int[] right = await Within.TimeAsync(Task.WhenAll(Enumerable.Range(0, Connections).Select(c => CountRightAsync(host, c))), "all answers");

        right.Sum().Should().Be(Connections * Events);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0 && host.Io.Root.SocketCount == 0, "every connection gone");
    }

    /// <summary>Sends all events without waiting, and counts the answers that are the expected one at their place.</summary>
    private static async Task<int> CountRightAsync(EventServerHost host, int connection)
    {
        using var client = new ClientWebSocket();
        await client.ConnectAsync(host.Ws(), CancellationToken.None);
        byte[] buffer = new byte[4096];
        await client.ReceiveAsync(buffer, CancellationToken.None);
        Task sending = SendAllAsync(client, connection);
        int right = 0;
        for (int i = 0; i < Events; i++)
        {
            WebSocketReceiveResult result = await client.ReceiveAsync(buffer, CancellationToken.None);
            JsonElement answer = JsonElement.Parse(buffer.AsSpan(0, result.Count));
            right += answer.GetProperty("ack").GetInt32() == i && answer.GetProperty("data").GetInt32() == connection + i ? 1 : 0;
        }

        await sending;
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        return right;
    }

    private static async Task SendAllAsync(ClientWebSocket client, int connection)
    {
        for (int i = 0; i < Events; i++)
        {
            byte[] message = Encoding.UTF8.GetBytes($$"""{"event":"add","data":{"a":{{connection}},"b":{{i}}},"id":{{i}}}""");
            await client.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        }
    }

    private sealed record Sum(int A, int B);
}
