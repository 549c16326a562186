using System.Text;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Frames as no proper client sends them (RFC 6455, section 5).</summary>
public class FrameTests
{
    [Fact]
    public async Task Invalid_utf8_is_closed_with_1007()
    {
        await ShouldCloseAsync(1007, raw => raw.SendAsync(RawFrame.Text, [.. "{\"ping\":\""u8, 0xc0, 0xaf, .. "\"}"u8]));
    }

    [Fact]
    public async Task Invalid_utf8_split_across_fragments_is_closed_with_1007()
    {
        await ShouldCloseAsync(1007, async raw =>
        {
            await raw.SendAsync(RawFrame.Text, [.. "{\"ping\":\""u8, 0xe2, 0x82], isFinal: false);
            await raw.SendAsync(RawFrame.Continuation, [(byte)'a', .. "\"}"u8]);
        });
    }

    [Fact]
    public async Task A_text_that_ends_within_a_character_is_closed_with_1007()
    {
        await ShouldCloseAsync(1007, raw => raw.SendAsync(RawFrame.Text, [.. "{\"ping\":\""u8, 0xe2, 0x82]));
    }

    [Theory]
    [InlineData(0x40)]
    [InlineData(0x20)]
    [InlineData(0x10)]
    public async Task Reserved_bits_are_closed_with_1002(int reserved) =>
        await ShouldCloseAsync(1002, raw => raw.SendAsync(RawFrame.Text, "{\"ping\":1}"u8.ToArray(), reserved: reserved));

    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(11)]
    [InlineData(15)]
    public async Task Reserved_opcodes_are_closed_with_1002(int opcode) =>
        await ShouldCloseAsync(1002, raw => raw.SendAsync(opcode, []));

    [Fact]
    public async Task A_frame_without_a_mask_is_closed_with_1002() =>
        await ShouldCloseAsync(1002, raw => raw.SendAsync(RawFrame.Text, "{\"ping\":1}"u8.ToArray(), isMasked: false));

    [Fact]
    public async Task A_control_frame_of_more_than_125_bytes_is_closed_with_1002() =>
        await ShouldCloseAsync(1002, raw => raw.SendAsync(RawFrame.Ping, new byte[126]));

    [Fact]
    public async Task A_fragmented_control_frame_is_closed_with_1002() =>
        await ShouldCloseAsync(1002, raw => raw.SendAsync(RawFrame.Ping, [1], isFinal: false));

    [Fact]
    public async Task A_continuation_of_nothing_is_closed_with_1002() =>
        await ShouldCloseAsync(1002, raw => raw.SendAsync(RawFrame.Continuation, "{\"ping\":1}"u8.ToArray()));

    [Fact]
    public async Task A_new_message_inside_a_fragmented_one_is_closed_with_1002() => await ShouldCloseAsync(1002, async raw =>
    {
        await raw.SendAsync(RawFrame.Text, "{\"ping\":"u8.ToArray(), isFinal: false);
        await raw.SendAsync(RawFrame.Text, "{\"ping\":1}"u8.ToArray());
    });

    [Fact]
    public async Task A_close_with_half_a_code_is_closed_with_1002() =>
        await ShouldCloseAsync(1002, raw => raw.SendAsync(RawFrame.Close, [3]));

    [Fact]
    public async Task A_fragmented_text_with_a_ping_inside_works_and_the_ping_is_answered()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);
        byte[] text = Encoding.UTF8.GetBytes("""{"ping":"Grüße €"}""");
        int within = Array.IndexOf(text, (byte)0xe2) + 1;

        await raw.SendAsync(RawFrame.Text, text[..within], isFinal: false);
        await raw.SendAsync(RawFrame.Ping, [1, 2, 3]);
        RawFrame pong = await raw.ReadAsync();
        await raw.SendAsync(RawFrame.Continuation, [], isFinal: false);
        await raw.SendAsync(RawFrame.Continuation, text[within..]);
        RawFrame answer = await raw.ReadAsync();

        pong.Opcode.Should().Be(RawFrame.Pong);
        pong.Payload.Should().Equal(1, 2, 3);
        answer.Json.GetProperty("pong").GetString().Should().Be("Grüße €");
    }

    [Fact]
    public async Task A_text_in_frames_of_one_byte_works()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);
        byte[] text = """{"ping":[1,2,3]}"""u8.ToArray();

        for (int i = 0; i < text.Length; i++)
        {
            await raw.SendAsync(i == 0 ? RawFrame.Text : RawFrame.Continuation, [text[i]], isFinal: i == text.Length - 1);
        }

        (await raw.ReadAsync()).Json.GetProperty("pong").GetRawText().Should().Be("[1,2,3]");
    }

    [Fact]
    public async Task Empty_messages_are_errors_that_the_connection_survives()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        await raw.SendAsync(RawFrame.Text, []);
        await raw.SendAsync(RawFrame.Binary, []);
        await raw.SendTextAsync("""{"ping":1}""");

        (await raw.ReadAsync()).Json.GetProperty("error").GetProperty("code").GetString().Should().Be("invalid_json");
        (await raw.ReadAsync()).Json.GetProperty("error").GetProperty("code").GetString().Should().Be("invalid_envelope");
        (await raw.ReadAsync()).Json.GetProperty("pong").GetInt32().Should().Be(1);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(4321)]
    public async Task The_close_code_of_the_client_is_echoed(int status)
    {
        var reasons = new List<DisconnectReason>();
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnDisconnect((_, reason) => reasons.Add(reason)));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        await raw.SendCloseAsync(status, "bye");

        RawFrame close = await raw.ReadAsync();
        close.Opcode.Should().Be(RawFrame.Close);
        close.CloseStatus.Should().Be(status);
        (await raw.TryReadAsync()).Should().BeNull();
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        reasons.Should().Equal(DisconnectReason.TransportClose);
    }

    [Fact]
    public async Task A_close_without_a_code_is_answered_with_1000()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        await raw.SendAsync(RawFrame.Close, []);

        RawFrame close = await raw.ReadAsync();
        close.Opcode.Should().Be(RawFrame.Close);
        close.CloseStatus.Should().Be(1000);
    }

    [Fact]
    public async Task Frames_of_the_server_are_final_unmasked_text()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("long", (EventSocket _, int n) => new string('a', n)));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        foreach (int length in new[] { 0, 100, 125, 126, 60_000, 65_535, 65_536, 200_000 })
        {
            await raw.SendTextAsync($$"""{"event":"long","data":{{length}},"id":1}""");
            RawFrame frame = await raw.ReadAsync();
            frame.IsFinal.Should().BeTrue();
            frame.Opcode.Should().Be(RawFrame.Text);
            frame.Json.GetProperty("data").GetString().Should().HaveLength(length);
        }
    }

    private static async Task ShouldCloseAsync(int status, Func<RawWebSocket, Task> send)
    {
        var reason = new TaskCompletionSource<DisconnectReason>();
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnDisconnect((_, why) => reason.SetResult(why)));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        await send(raw);

        List<RawFrame> frames = await raw.ReadToEndAsync();
        frames.Should().NotBeEmpty();
        frames[^1].Opcode.Should().Be(RawFrame.Close);
        frames[^1].CloseStatus.Should().Be(status);
        (await Within.TimeAsync(reason.Task, "the disconnect")).Should().Be(DisconnectReason.ProtocolError);
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
        host.Log.Errors.Should().BeEmpty();
    }
}
