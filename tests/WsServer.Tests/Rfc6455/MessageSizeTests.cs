using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Rfc6455;

/// <summary>Messages of all sizes, however they are cut: section 5.2, and the parts "framing", "limits" and "misc" of test suites.</summary>
[Collection(nameof(EchoServers))]
public class MessageSizeTests(EchoServers servers)
{
    private const int Kibi = 1024;
    private const int Mebi = 1024 * 1024;

    // Where the form of the length changes, and the buffers of who reads them.
    private static readonly int[] Edges = [0, 1, 124, 125, 126, 127, 128, 4_095, 4_096, 4_097, 65_535, 65_536, 65_537];

    [Theory]
    [InlineData(Wiring.Direct, RawFrame.Text)]
    [InlineData(Wiring.Direct, RawFrame.Binary)]
    [InlineData(Wiring.Piped, RawFrame.Text)]
    [InlineData(Wiring.Piped, RawFrame.Binary)]
    [InlineData(Wiring.Tls, RawFrame.Text)]
    [InlineData(Wiring.Tls, RawFrame.Binary)]
    public async Task A_message_of_any_size_comes_back(Wiring wiring, int opcode)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);
        foreach (int size in Edges)
        {
            byte[] payload = Payload(opcode, size);
            await client.SendFrameAsync(opcode, payload);
            await client.ShouldGetAsync(opcode, payload);
        }
    }

    [Theory]
    [InlineData(Wiring.Direct, 1, 4_200)]
    [InlineData(Wiring.Direct, 2, 4_200)]
    [InlineData(Wiring.Direct, 7, 4_200)]
    [InlineData(Wiring.Direct, 997, 65_537)]
    [InlineData(Wiring.Direct, 4_096, 65_537)]
    [InlineData(Wiring.Piped, 1, 4_200)]
    [InlineData(Wiring.Piped, 997, 65_537)]
    [InlineData(Wiring.Tls, 1, 300)]
    [InlineData(Wiring.Tls, 997, 65_537)]
    public async Task A_message_in_pieces_of_the_network_comes_back(Wiring wiring, int chop, int largest)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);
        foreach (int size in Edges.Where(e => e <= largest))
        {
            byte[] payload = Payload(RawFrame.Text, size);
            await client.SendAsync(ClientFrame.Encode(RawFrame.Text, payload), chop);
            await client.ShouldGetAsync(RawFrame.Text, payload);
        }
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    [InlineData(Wiring.Tls)]
    public async Task Messages_up_to_16_mebibytes_come_back_and_one_byte_more_is_closed_with_1009(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);
        foreach (int size in new[] { 256 * Kibi, Mebi, 4 * Mebi, 8 * Mebi, EchoServers.MaxMessageBytes })
        {
            byte[] payload = Payload(RawFrame.Binary, size);
            await client.SendFrameAsync(RawFrame.Binary, payload);
            await client.ShouldGetAsync(RawFrame.Binary, payload);
        }

        // The header is enough.
        await client.SendAsync(ClientFrame.Header(RawFrame.Binary, EchoServers.MaxMessageBytes + 1));
        await client.ShouldBeClosedAsync(1009);
    }

    [Theory]
    [InlineData(Wiring.Direct, 4 * Mebi, 64)]
    [InlineData(Wiring.Direct, 4 * Mebi, 1_300)]
    [InlineData(Wiring.Direct, 16 * Mebi, 64 * Kibi)]
    [InlineData(Wiring.Piped, 4 * Mebi, 256)]
    [InlineData(Wiring.Piped, 16 * Mebi, Mebi)]
    [InlineData(Wiring.Tls, 4 * Mebi, 4 * Kibi)]
    public async Task A_long_message_in_fragments_comes_back(Wiring wiring, int size, int fragment)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);
        byte[] payload = Payload(RawFrame.Text, size);

        await client.SendAsync(Fragments(payload, fragment));

        await client.ShouldGetAsync(RawFrame.Text, payload);
    }

    [Fact]
    public async Task One_byte_more_than_16_mebibytes_in_fragments_is_closed_with_1009()
    {
        using EchoClient client = await servers.ConnectAsync(Wiring.Direct);

        await client.SendAsync(Fragments(new byte[EchoServers.MaxMessageBytes], Mebi, isEnded: false));
        await client.SendFrameAsync(RawFrame.Continuation, [1]);

        await client.ShouldBeClosedAsync(1009);
    }

    [Theory]
    [InlineData(Wiring.Direct, 126)]
    [InlineData(Wiring.Piped, 126)]
    [InlineData(Wiring.Direct, 127)]
    [InlineData(Wiring.Piped, 127)]
    public async Task A_length_in_a_longer_form_than_it_needs_is_understood(Wiring wiring, int form)
    {
        // Section 5.2 forbids it to senders and tells receivers nothing; what is meant is clear.
        using EchoClient client = await servers.ConnectAsync(wiring);
        byte[] length = form == 126 ? [0, 5] : [0, 0, 0, 0, 0, 0, 0, 5];

        await client.SendAsync([0x81, (byte)(0x80 | form), .. length, 0, 0, 0, 0, .. "hello"u8]);

        await client.ShouldGetAsync(RawFrame.Text, "hello"u8.ToArray());
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    public async Task A_length_of_64_bits_with_the_highest_set_is_closed_with_1002(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendAsync(ClientFrame.Header(RawFrame.Binary, 0x8000_0000_0000_0001));

        await client.ShouldBeClosedAsync(1002);
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    public async Task A_length_of_63_bits_is_closed_with_1009_and_nothing_is_reserved_for_it(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendAsync(ClientFrame.Header(RawFrame.Text, long.MaxValue));

        await client.ShouldBeClosedAsync(1009);
    }

    private static byte[] Payload(int opcode, int size)
    {
        byte[] payload = new byte[size];
        new Random(size).NextBytes(payload);
        for (int i = 0; opcode == RawFrame.Text && i < size; i++)
        {
            payload[i] = (byte)(' ' + (payload[i] % 95));
        }

        return payload;
    }

    private static byte[] Fragments(byte[] payload, int size, bool isEnded = true)
    {
        using var all = new MemoryStream();
        for (int at = 0; at < payload.Length; at += size)
        {
            bool isLast = at + size >= payload.Length;
            all.Write(ClientFrame.Encode(at == 0 ? RawFrame.Text : RawFrame.Continuation, payload.AsSpan(at, Math.Min(size, payload.Length - at)), isLast && isEnded));
        }

        return all.ToArray();
    }
}
