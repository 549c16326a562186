using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Rfc6455;

/// <summary>Pings and pongs: sections 5.5.2 and 5.5.3.</summary>
[Collection(nameof(EchoServers))]
public class ControlFrameTests(EchoServers servers)
{
    public static TheoryData<Wiring> Wirings => [Wiring.Direct, Wiring.Awaited, Wiring.Piped, Wiring.Tls];

    [Theory]
    [MemberData(nameof(Wirings))]
    public async Task A_ping_of_any_length_up_to_125_is_answered_with_what_it_says(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);
        for (int length = 0; length <= 125; length++)
        {
            byte[] payload = [.. Enumerable.Range(0, length).Select(i => (byte)(i * 37))];
            await client.SendFrameAsync(RawFrame.Ping, payload);
            await client.ShouldGetAsync(RawFrame.Pong, payload);
        }
    }

    [Theory]
    [MemberData(nameof(Wirings))]
    public async Task A_ping_in_pieces_of_one_byte_is_answered(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);
        byte[] payload = [.. Enumerable.Range(0, 125).Select(i => (byte)i)];

        await client.SendAsync(ClientFrame.Encode(RawFrame.Ping, payload), chop: 1);

        await client.ShouldGetAsync(RawFrame.Pong, payload);
    }

    [Theory]
    [InlineData(Wiring.Direct, RawFrame.Ping)]
    [InlineData(Wiring.Direct, RawFrame.Pong)]
    [InlineData(Wiring.Direct, RawFrame.Close)]
    [InlineData(Wiring.Piped, RawFrame.Ping)]
    [InlineData(Wiring.Piped, RawFrame.Pong)]
    [InlineData(Wiring.Piped, RawFrame.Close)]
    public async Task A_control_frame_of_126_bytes_is_closed_with_1002(Wiring wiring, int opcode)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendFrameAsync(opcode, [0x03, 0xe8, .. new byte[124]]);

        await client.ShouldBeClosedAsync(1002);
    }

    [Theory]
    [InlineData(RawFrame.Ping)]
    [InlineData(RawFrame.Pong)]
    [InlineData(RawFrame.Close)]
    public async Task A_control_frame_in_fragments_is_closed_with_1002(int opcode)
    {
        using EchoClient client = await servers.ConnectAsync(Wiring.Direct);

        await client.SendFrameAsync(opcode, [], isFinal: false);

        await client.ShouldBeClosedAsync(1002);
    }

    [Theory]
    [MemberData(nameof(Wirings))]
    public async Task Pongs_that_nobody_has_asked_for_are_ignored(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendFrameAsync(RawFrame.Pong, []);
        await client.SendFrameAsync(RawFrame.Pong, "unasked"u8.ToArray());
        await client.SendFrameAsync(RawFrame.Ping, "asked"u8.ToArray());

        await client.ShouldGetAsync(RawFrame.Pong, "asked"u8.ToArray());
        await client.ShouldLiveAsync();
    }

    [Theory]
    [InlineData(Wiring.Direct, int.MaxValue)]
    [InlineData(Wiring.Direct, 1)]
    [InlineData(Wiring.Piped, int.MaxValue)]
    [InlineData(Wiring.Tls, 3)]
    public async Task Of_many_pings_at_once_the_last_is_answered_and_none_out_of_order(Wiring wiring, int chop)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);
        byte[][] pings = [.. Enumerable.Range(0, 10).Select(i => new[] { (byte)i })];

        await client.SendAsync([.. pings.SelectMany(p => ClientFrame.Encode(RawFrame.Ping, p))], chop);

        List<byte> answered = [];
        while (answered.Count == 0 || answered[^1] != 9)
        {
            RawFrame pong = await client.ReadAsync();
            pong.Opcode.Should().Be(RawFrame.Pong);
            answered.AddRange(pong.Payload);
        }

        answered.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        await client.ShouldLiveAsync();
    }
}
