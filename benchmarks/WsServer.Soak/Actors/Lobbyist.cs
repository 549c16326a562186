using System.Globalization;
using WsServer.LoadTest.Client;
using WsServer.Soak.Wire;

namespace WsServer.Soak.Actors;

/// <summary>
/// Somebody in the lobby of the application: logs in, sends to everybody there, comes and goes in one of the two known rooms,
/// and counts that each of its broadcasts has come back to it, acked after that.
/// </summary>
internal sealed class Lobbyist(int port, int index, Tally tally, Random random)
{
    public async Task RunAsync(CancellationToken stop)
    {
        string who = string.Create(CultureInfo.InvariantCulture, $"lobbyist-{index}");
        try
        {
            while (!stop.IsCancellationRequested && tally.FailureCount == 0)
            {
                using WireClient wire = await WireClient.OpenAsync(port, "/");
                await StayAsync(wire, who, rounds: random.Next(2, 8), stop);
                await wire.SendCloseAsync();
                await WaitAsync(wire, message => message.IsEnd, "goodbye");
            }
        }
        catch (Exception exception)
        {
            tally.Fail(who, exception);
        }
    }

    private async Task StayAsync(WireClient wire, string who, int rounds, CancellationToken stop)
    {
        await SendAsync(wire, $$"""{"event":"login","data":{"name":"{{who}}","userid":{{index}}},"id":0}""");
        await WaitAsync(wire, m => m.Text.StartsWith("{\"ack\":0", StringComparison.Ordinal), "the ack of the login");
        await SendAsync(wire, """{"connect":"/chat"}""");
        await WaitAsync(wire, m => m.Text.StartsWith("{\"connected\":\"/chat\"", StringComparison.Ordinal), "/chat");
        for (int i = 1; i <= rounds && !stop.IsCancellationRequested; i++)
        {
            // The ack comes after what it brought forth, so both are there in this order.
            string mark = string.Create(CultureInfo.InvariantCulture, $"\"{who} {i}\"");
            await SendAsync(wire, $$"""{"event":"messageAndAck","data":{{mark}},"id":{{i}}}""");
            await WaitAsync(wire, m => m.Text == $$"""{"event":"response","data":{{mark}}}""", "its own message");
            await WaitAsync(wire, m => m.Text == $$$"""{"ack":{{{i}}},"data":{"ok":true}}""", "the ack of its message");

            string room = random.Next(2) == 0 ? "dev" : "music";
            await InChatAsync(wire, i + 1_000, "join-room", $$"""{"type":"{{room}}","user":"{{who}}"}""", "\"success\"");
            await InChatAsync(wire, i + 2_000, "say", $$"""{"room":"room:{{room}}","msg":"hello"}""", "{\"ok\":true}");
            await InChatAsync(wire, i + 3_000, "leave-room", $$"""{"type":"{{room}}"}""", "\"success\"");
            tally.Count("rounds in the lobby");

            // Reads on while it pauses, as a client does.
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stop);
            pause.CancelAfter(TimeSpan.FromSeconds(random.NextDouble() * 8));
            await ReadUntilAsync(wire, pause.Token);
        }
    }

    private Task SendAsync(WireClient wire, string text)
    {
        tally.AddMessages(1);
        return wire.SendAsync(text);
    }

    private async Task InChatAsync(WireClient wire, int id, string name, string data, string answer)
    {
        await SendAsync(wire, string.Create(CultureInfo.InvariantCulture, $$"""{"event":"{{name}}","ns":"/chat","data":{{data}},"id":{{id}}}"""));
        await WaitAsync(
            wire,
            m => !m.IsEnd && News.OfEnvelope(m) is { Kind: NewsKind.Ack } ack && ack.Id == id && ack.Data.GetRawText() == answer,
            $"the ack of {name}");
    }

    private async Task WaitAsync(WireClient wire, Predicate<WireMessage> match, string what)
    {
        while (true)
        {
            WireMessage message = await wire.ExpectAsync(what);
            tally.AddMessages(1);
            if (match(message))
            {
                return;
            }

            if (message.IsEnd || message.Text.Contains("\"error\"", StringComparison.Ordinal))
            {
                throw new SoakException($"Waited for {what}, and got {message.Kind} {message.Text}.");
            }
        }
    }

    private async Task ReadUntilAsync(WireClient wire, CancellationToken end)
    {
        try
        {
            while (true)
            {
                WireMessage message = await wire.ReceiveAsync(end);
                tally.AddMessages(1);
                if (message.Kind == FrameKind.Close)
                {
                    throw new SoakException("The server ended the connection.");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Cancelled before anything was read: nothing is lost.
        }
    }
}
