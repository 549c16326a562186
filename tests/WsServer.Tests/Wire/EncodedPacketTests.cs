using FluentAssertions;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Wire;

public class EncodedPacketTests
{
    // RFC 6455, section 5.2: the length takes 7 bits, 16 bits after 126, or 64 bits after 127.
    public static TheoryData<int, byte[]> Headers => new()
    {
        { 0, [0x00] },
        { 1, [0x01] },
        { 125, [125] },
        { 126, [126, 0x00, 0x7E] },
        { 65_535, [126, 0xFF, 0xFF] },
        { 65_536, [127, 0, 0, 0, 0, 0x00, 0x01, 0x00, 0x00] },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void A_frame_is_the_shortest_header_and_the_payload(int length, byte[] header)
    {
        byte[] payload = new byte[length];
        new Random(1).NextBytes(payload);
        foreach (bool isBinary in new[] { false, true })
        {
            EncodedPacket packet = EncodedPacket.Create(payload, isBinary);
            packet.Frame.ToArray().Should().Equal([isBinary ? (byte)0x82 : (byte)0x81, .. header, .. payload]);
            packet.Payload.ToArray().Should().Equal(payload);
            packet.Length.Should().Be(1 + header.Length + length);
            packet.IsBinary.Should().Be(isBinary);
        }
    }

    [Fact]
    public void A_packet_keeps_bytes_of_its_own()
    {
        byte[] payload = [1, 2, 3];
        EncodedPacket packet = EncodedPacket.Create(payload, isBinary: true);
        payload[0] = 9;
        packet.Payload.ToArray().Should().Equal(1, 2, 3);
    }
}
