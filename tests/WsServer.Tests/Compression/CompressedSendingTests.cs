using System.IO.Compression;
using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Connections;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Compression;

public class CompressedSendingTests
{
    private const int Compressed = 0x40;

    private static readonly CompressionOptions Options = new() { MinimumBytes = 100 };

    [Fact]
    public async Task Messages_from_the_minimum_on_are_compressed()
    {
        FramedClient client = Client();

        await client.SendAsync(FramedClient.Packet(new string('a', 99)));
        await client.SendAsync(FramedClient.Packet(new string('b', 100)));

        List<RawFrame> frames = Frames(client);
        frames.Select(f => f.Reserved).Should().Equal(0, Compressed);
        frames[1].IsFinal.Should().BeTrue();
        frames[1].Opcode.Should().Be(RawFrame.Text);
        frames[1].Payload.Length.Should().BeLessThan(20);
        Inflate(frames[1]).Should().Be(new string('b', 100));
    }

    [Fact]
    public async Task What_does_not_become_shorter_leaves_as_it_is()
    {
        byte[] noise = new byte[5_000];
        new Random(3).NextBytes(noise);
        FramedClient client = Client();

        await client.SendAsync(EncodedPacket.Create(noise, isBinary: true));

        RawFrame frame = Frames(client).Should().ContainSingle().Subject;
        frame.Reserved.Should().Be(0);
        frame.Payload.Should().Equal(noise);
    }

    [Fact]
    public async Task Of_several_messages_each_is_compressed_that_is_long_enough()
    {
        FramedClient client = Client();
        string[] texts = ["short", new('x', 3_000), "short again", new('y', 200_000), new('z', 70_000)];

        await client.SendAsync([.. texts.Select(FramedClient.Packet)]);

        Frames(client).Select(Inflate).Should().Equal(texts);
        Frames(client).Select(f => f.Reserved).Should().Equal(0, Compressed, 0, Compressed, Compressed);
    }

    [Fact]
    public async Task A_broadcast_is_compressed_once_for_all_its_receivers()
    {
        EncodedPacket packet = FramedClient.Packet(new string('a', 10_000));
        EncodedPacket form = packet.Deflate(CompressionLevel.Fastest);
        FramedClient[] clients = [Client(), Client(), Client(windowBits: 14)];
        FramedClient plain = new();

        foreach (FramedClient client in clients)
        {
            await client.SendAsync(packet);
        }

        await plain.SendAsync(packet);
        packet.Deflate(CompressionLevel.Fastest).Should().BeSameAs(form);
        clients.Select(c => Convert.ToHexString(c.Output.Written)).Should().AllBe(Convert.ToHexString(form.Frame.Span));
        plain.Output.Frames.Should().ContainSingle().Which.Payload.Should().HaveCount(10_000);
    }

    [Fact]
    public async Task A_client_with_a_smaller_window_gets_compressed_what_fits_it()
    {
        FramedClient client = Client(windowBits: 9);

        await client.SendAsync(FramedClient.Packet(new string('a', 512)));
        await client.SendAsync(FramedClient.Packet(new string('b', 513)));

        Frames(client).Select(f => f.Reserved).Should().Equal(Compressed, 0);
    }

    [Fact]
    public async Task Pings_and_goodbyes_are_not_compressed()
    {
        FramedClient client = new(deflate: new PermessageDeflate(new CompressionOptions { MinimumBytes = 0 }, 15));

        await client.Transport.PingAsync(CancellationToken.None);
        await client.SendAsync(FramedClient.Packet(""));
        await client.CloseAsync(1000, new string('a', 120));

        Frames(client).Should().OnlyContain(f => f.Reserved == 0);
    }

    [Fact]
    public void An_empty_message_becomes_the_one_byte_of_the_rfc()
    {
        MessageDeflater.Deflate([], CompressionLevel.Fastest).ToArray().Should().Equal(0);
        Inflate([0]).Should().BeEmpty();
    }

    [Fact]
    public void A_packet_that_is_used_again_has_no_form_of_what_it_was()
    {
        EncodedPacket packet = FramedClient.Packet(new string('a', 2_000));
        packet.Deflate(CompressionLevel.Fastest);
        packet.Release();

        EncodedPacket[] next = [.. Enumerable.Range(0, 3).Select(i => FramedClient.Packet(new string((char)('b' + i), 2_000)))];

        next.Should().Contain(packet, "packets are used again on the same thread");
        next.Select(n => Inflate(n.Deflate(CompressionLevel.Fastest).Payload.ToArray())[0]).Should().Equal('b', 'c', 'd');
    }

    [Fact]
    public void Threads_that_ask_at_once_get_the_same_form()
    {
        for (int round = 0; round < 100; round++)
        {
            EncodedPacket packet = FramedClient.Packet(new string('a', 2_000));
            var forms = new EncodedPacket[4];
            Parallel.For(0, forms.Length, i => forms[i] = packet.Deflate(CompressionLevel.Fastest));

            forms.Should().OnlyContain(f => ReferenceEquals(f, forms[0]));
            Inflate(forms[0].Payload.ToArray()).Should().Be(new string('a', 2_000));
        }
    }

    private static FramedClient Client(int windowBits = 15) => new(deflate: new PermessageDeflate(Options, windowBits));

    private static List<RawFrame> Frames(FramedClient client) => ServerFrames.Parse(client.Output.Written, mayBeCompressed: true);

    private static string Inflate(RawFrame frame) => frame.Reserved == 0 ? Encoding.UTF8.GetString(frame.Payload) : Inflate(frame.Payload);

    private static string Inflate(byte[] compressed)
    {
        byte[] bytes = [.. compressed, .. MessageInflater.Tail];
        int length = MessageInflater.Inflate(bytes, bytes.Length, 1_000_000, out byte[]? inflated);
        return Encoding.UTF8.GetString(inflated!, 0, length);
    }
}
