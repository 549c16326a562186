using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.SocketIO.Wire;
using WsServer.Wire;

namespace WsServer.Tests.SocketIO;

/// <summary>The Socket.IO codec under test, with short names for what the tests do with it.</summary>
internal static class Sio
{
    public const int MaxDepth = 64;

    public static readonly NameTable Names = new();

    public static readonly SocketIOCodec Codec = new(Names, maxNameLength: 256, MaxDepth);

    public static readonly SocketIOCodec RecoveringCodec = new(Names, maxNameLength: 256, MaxDepth, supportsRecovery: true);

    /// <summary>Whether these messages of a client make a valid packet, as the server goes about it.</summary>
    public static bool TryDecode(byte[] text, byte[][] attachments, out Packet packet, out Packet answer)
    {
        (byte[] message, bool isBinary) = Assemble(text, attachments);
        return Codec.TryDecode(message, isBinary, out packet, out answer);
    }

    /// <summary>What the codec is given for these messages.</summary>
    public static (byte[] Message, bool IsBinary) Assemble(byte[] text, params byte[][] attachments)
    {
        if (attachments.Length == 0)
        {
            return (text, false);
        }

        var assembler = new PacketAssembler(maxBytes: 1_000_000);
        bool isWhole = assembler.TryTake(text, isBinary: false, out TransportMessage whole);
        foreach (byte[] attachment in attachments)
        {
            isWhole.Should().BeFalse("attachments are missing");
            isWhole = assembler.TryTake(attachment, isBinary: true, out whole);
        }

        isWhole.Should().BeTrue("the last attachment has come");
        return (whole.Payload.ToArray(), whole.Kind == TransportMessageKind.Binary);
    }

    /// <summary>What a valid packet says.</summary>
    public static Packet Decode(string text, params byte[][] attachments) =>
        TryDecode(Encoding.UTF8.GetBytes(text), attachments, out Packet packet, out Packet answer)
            ? packet
            : throw new InvalidOperationException($"Refused: {answer.Error}");

    /// <summary>Why a packet ends the connection.</summary>
    public static EventError Refuse(string text, params byte[][] attachments) => Refuse(Encoding.UTF8.GetBytes(text), attachments);

    public static EventError Refuse(byte[] text, params byte[][] attachments)
    {
        if (TryDecode(text, attachments, out Packet packet, out Packet answer))
        {
            throw new InvalidOperationException($"Taken as {packet}.");
        }

        Codec.IsFatal(answer).Should().BeTrue();
        answer.Kind.Should().Be(PacketKind.Error);
        answer.Error!.Message.Should().NotBeNullOrWhiteSpace().And.EndWith(".");
        return answer.Error;
    }

    /// <summary>The messages of a packet: the text, and attachments in hexadecimal digits.</summary>
    public static string[] Encode(Packet packet, string home = "", SocketIOCodec? codec = null)
    {
        var messages = new List<string>();
        for (EncodedPacket? message = (codec ?? Codec).Encode(packet, home); message is not null; message = message.Next)
        {
            messages.Add(message.IsBinary ? Convert.ToHexString(message.Payload.Span) : Encoding.UTF8.GetString(message.Payload.Span));
        }

        return [.. messages];
    }

    /// <summary>What a client would get, given back to the server.</summary>
    public static Packet Again(Packet packet)
    {
        EncodedPacket text = Codec.Encode(packet, home: "")!;
        var attachments = new List<byte[]>();
        for (EncodedPacket? next = text.Next; next is not null; next = next.Next)
        {
            attachments.Add(next.Payload.ToArray());
        }

        return TryDecode(text.Payload.ToArray(), [.. attachments], out Packet again, out Packet answer)
            ? again
            : throw new InvalidOperationException($"Refused: {answer.Error}");
    }
}
