using System.Text;
using WsServer.LoadTest.Client;
using WsServer.Soak.Wire;

namespace WsServer.Soak.Actors;

/// <summary>Throw-away connections that send what no client should, and check what they are told.</summary>
internal sealed class BadInput(int port, Tally tally, Random random)
{
    // Within the budget of 100 that is refilled while they are sent, and beyond it.
    private const int WithinBudget = 60;
    private const int BeyondBudget = 400;

    private static readonly (string Name, byte[] Bytes, int Status)[] Frames =
    [
        ("an unmasked frame", [0x81, 0x02, (byte)'{', (byte)'}'], 1002),
        ("a reserved bit", Mask(0xc1, "{}"u8), 1002),
        ("an unknown opcode", Mask(0x83, "{}"u8), 1002),
        ("a continuation of nothing", Mask(0x80, "{}"u8), 1002),
        ("a ping in pieces", Mask(0x09, "x"u8), 1002),
        ("a text that is not UTF-8", Mask(0x81, [0xc3, 0x28]), 1007),
        ("a frame beyond the limit", [0x81, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0, 1, 2, 3, 4], 1009),
    ];

    private static readonly (string Text, string Code)[] Texts =
    [
        ("hello", "invalid_json"),
        ("[1,2]", "invalid_envelope"),
        ("""{"data":1}""", "invalid_envelope"),
        ("""{"event":"x","ack":1}""", "invalid_envelope"),
        ("""{"event":"connect","id":1}""", "invalid_envelope"),
        ("""{"event":"no such event","id":1}""", "unknown_event"),
        ("""{"event":"say","data":{"room":5},"id":3}""", "invalid_data"),
        ("""{"event":"say","data":{"room":"room:dev","msg":"hi"},"id":4}""", "not_in_room"),
        ("""{"event":"say","ns":"/nowhere","id":5}""", "unknown_namespace"),
        ($$"""{"event":"say","data":{{new string('[', 100)}}{{new string(']', 100)}},"id":6}""", "invalid_envelope"),
    ];

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested && tally.FailureCount == 0)
            {
                await TryOneAsync();
                await Task.Delay(random.Next(200), stop);
            }
        }
        catch (OperationCanceledException)
        {
            // The time is over.
        }
        catch (Exception exception)
        {
            tally.Fail("bad input", exception);
        }
    }

    private static byte[] Mask(byte first, ReadOnlySpan<byte> payload)
    {
        byte[] frame = Frame.Write(FrameKind.Text, payload);
        frame[0] = first;
        return frame;
    }

    private Task TryOneAsync() => random.Next(12) switch
    {
        0 => GarbageAsync(),
        1 => HalfUpgradeAsync(),
        2 => FloodAsync(WithinBudget),
        3 => FloodAsync(BeyondBudget),
        4 => NowhereAsync(),
        < 8 => FrameAsync(),
        _ => TextAsync(),
    };

    private async Task TextAsync()
    {
        using WireClient wire = await OpenAsync();
        (string text, string code) = Texts[random.Next(Texts.Length)];
        await wire.SendAsync(text);
        WireMessage answer = await wire.ExpectAsync(code);
        if (answer.IsEnd || !answer.Text.Contains($"\"code\":\"{code}\"", StringComparison.Ordinal))
        {
            throw new SoakException($"{text} was answered {answer.Text}, not {code}.");
        }

        tally.Count("wrong messages");
        await wire.SendCloseAsync();
    }

    private async Task FrameAsync()
    {
        using WireClient wire = await OpenAsync();
        (string name, byte[] bytes, int status) = Frames[random.Next(Frames.Length)];
        await wire.SendBytesAsync(bytes);
        WireMessage answer = await ReadToEndAsync(wire, name);
        if (answer.Status != status)
        {
            throw new SoakException($"After {name} the server closed with {answer.Status}, not {status}.");
        }

        tally.Count("wrong frames");
    }

    private async Task FloodAsync(int count)
    {
        using WireClient wire = await OpenAsync();
        byte[] wrong = Frame.Write(FrameKind.Text, "x"u8);
        await wire.SendBytesAsync(Enumerable.Repeat(wrong, count).SelectMany(w => w).ToArray());
        await wire.SendAsync("""{"ping":"still there"}""");
        int errors = 0;
        WireMessage answer;
        while (!(answer = await wire.ExpectAsync("the answer to a flood")).IsEnd && !answer.Text.StartsWith("{\"pong\"", StringComparison.Ordinal))
        {
            errors++;
        }

        bool isRight = count == WithinBudget ? !answer.IsEnd && errors == count : answer.Status is 1008 or -1;
        if (!isRight)
        {
            throw new SoakException($"A flood of {count} errors was answered with {errors} and then {answer.Kind} {answer.Status}.");
        }

        tally.Count(count == WithinBudget ? "floods within the budget" : "floods beyond the budget");
    }

    private async Task GarbageAsync()
    {
        using WireClient wire = await WireClient.ConnectAsync(port);
        byte[] garbage = new byte[random.Next(1, 200)];
        random.NextBytes(garbage);
        await wire.SendBytesAsync((byte[])[.. garbage, .. "\r\n\r\n"u8]);
        wire.Reset();
        tally.Count("no HTTP");
    }

    private async Task HalfUpgradeAsync()
    {
        using WireClient wire = await WireClient.ConnectAsync(port);
        byte[] request = Encoding.ASCII.GetBytes("GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n");
        await wire.SendBytesAsync(request.AsMemory(0, random.Next(1, request.Length)));
        tally.Count("halves of upgrades");
    }

    private async Task NowhereAsync()
    {
        try
        {
            using WireClient wire = await WireClient.OpenAsync(port, "/nowhere");
        }
        catch (LoadException)
        {
            tally.Count("upgrades that were refused");
            return;
        }

        throw new SoakException("There is a namespace that there is not.");
    }

    private async Task<WireClient> OpenAsync()
    {
        WireClient wire = await WireClient.OpenAsync(port, "/chat");
        await wire.ExpectAsync("connected");
        return wire;
    }

    private static async Task<WireMessage> ReadToEndAsync(WireClient wire, string what)
    {
        WireMessage message;
        while (!(message = await wire.ExpectAsync($"the end after {what}")).IsEnd)
        {
            // An error before the close.
        }

        return message;
    }
}
