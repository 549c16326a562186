using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Rfc6455;

/// <summary>What no frame's first two bytes may say: section 5.2.</summary>
[Collection(nameof(EchoServers))]
public class HeaderTests(EchoServers servers)
{
    private static readonly byte[] Hello = "hello"u8.ToArray();

    private static readonly int[] KnownOpcodes = [RawFrame.Continuation, RawFrame.Text, RawFrame.Binary, RawFrame.Close, RawFrame.Ping, RawFrame.Pong];

    public static TheoryData<Wiring, int, int> ReservedBits
    {
        get
        {
            var all = new TheoryData<Wiring, int, int>();
            foreach (Wiring wiring in new[] { Wiring.Direct, Wiring.Piped })
            {
                foreach (int opcode in KnownOpcodes)
                {
                    for (int bits = 1; bits < 8; bits++)
                    {
                        all.Add(wiring, opcode, bits << 4);
                    }
                }
            }

            return all;
        }
    }

    public static TheoryData<Wiring, int> ReservedOpcodes
    {
        get
        {
            var all = new TheoryData<Wiring, int>();
            foreach (Wiring wiring in new[] { Wiring.Direct, Wiring.Piped })
            {
                foreach (int opcode in Enumerable.Range(0, 16).Except(KnownOpcodes))
                {
                    all.Add(wiring, opcode);
                }
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(ReservedBits))]
    public async Task Reserved_bits_are_closed_with_1002_after_what_came_before(Wiring wiring, int opcode, int reserved)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendAsync([.. ClientFrame.Encode(RawFrame.Text, Hello), .. ClientFrame.Encode(opcode, [0x03, 0xe8], reserved: reserved), .. ClientFrame.Encode(RawFrame.Ping, [])]);

        await client.ShouldGetAsync(RawFrame.Text, Hello);
        await client.ShouldBeClosedAsync(1002);
    }

    [Theory]
    [MemberData(nameof(ReservedOpcodes))]
    public async Task Reserved_opcodes_are_closed_with_1002_after_what_came_before(Wiring wiring, int opcode)
    {
        foreach (byte[] payload in new[] { [], Hello, new byte[125] })
        {
            using EchoClient client = await servers.ConnectAsync(wiring);
            await client.SendAsync([.. ClientFrame.Encode(RawFrame.Text, Hello), .. ClientFrame.Encode(opcode, payload), .. ClientFrame.Encode(RawFrame.Ping, [])], chop: 5);

            await client.ShouldGetAsync(RawFrame.Text, Hello);
            await client.ShouldBeClosedAsync(1002);
        }
    }

    [Theory]
    [InlineData(Wiring.Direct, RawFrame.Text)]
    [InlineData(Wiring.Direct, RawFrame.Binary)]
    [InlineData(Wiring.Direct, RawFrame.Ping)]
    [InlineData(Wiring.Direct, RawFrame.Close)]
    [InlineData(Wiring.Piped, RawFrame.Text)]
    [InlineData(Wiring.Piped, RawFrame.Close)]
    public async Task A_frame_without_a_mask_is_closed_with_1002(Wiring wiring, int opcode)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendAsync(ClientFrame.Encode(opcode, [0x03, 0xe8], isMasked: false));

        await client.ShouldBeClosedAsync(1002);
    }

    [Fact]
    public async Task A_mask_of_zeroes_is_a_mask()
    {
        using EchoClient client = await servers.ConnectAsync(Wiring.Direct);

        await client.SendAsync(ClientFrame.Encode(RawFrame.Text, Hello, mask: [0, 0, 0, 0]));

        await client.ShouldGetAsync(RawFrame.Text, Hello);
    }
}
