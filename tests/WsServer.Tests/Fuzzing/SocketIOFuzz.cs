using System.Text;
using WsServer.Connections;
using WsServer.SocketIO.Wire;
using WsServer.Tests.SocketIO;
using WsServer.Tests.Support;
using WsServer.Wire;

namespace WsServer.Tests.Fuzzing;

/// <summary>Socket.IO packets that are nearly right, with as many attachments as they ask for.</summary>
internal sealed class SocketIOFuzz : FuzzTarget
{
    private static readonly NameTable Names = new();
    private static readonly SocketIOCodec Codec = new(Names, maxNameLength: 256, maxDepth: 64);
    private static readonly JsonPacketCodec Json = new(new EnvelopeLimits(MaxNameLength: 256, MaxDepth: 64), Names);

    private static readonly string[] Texts =
    [
        """42["chat",{"msg":"hi"}]""",
        """42/news,12["grüße €😀",1,2.5e3,"three",[4],{"five":5},null,true]""",
        """42/a?token=b,007["a\u00e4\ud83d\ude00"]""",
        """42[5]""",
        """437["got it"]""",
        """43/n,7[]""",
        """431[1,[2],{"a":{}}]""",
        """40""",
        """40/news,{"token":"t","pid":"abc","offset":"17"}""",
        """41/news,""",
        """44{"message":"no"}""",
        """451-["file",{"_placeholder":true,"num":0}]""",
        """452-/n,4["file",{"num":1,"_placeholder":true},[{"x":{"_placeholder":true,"num":0}}]]""",
        """461-1[{"_placeholder":{"_placeholder":true,"num":0}}]""",
        """42["disconnect"]""",
        """4""",
    ];

    private static readonly string[] Pieces =
    [
        "\"", "{", "}", "[", "]", ",", ":", "-", "/", "/n,", "?", "\\", "\\u", "\\ud800", "\\udfff", "\\u0000", "\0", "\ufeff", "-1", "1.0", "1e3", "9007199254740992",
        "null", "true", "40", "41", "42", "43", "45", "46", "452-", "460-", "[\"e\"]", "[\"e\",", "{\"pid\":", "\"offset\":\"", "\"_placeholder\":true", "\"num\":",
        "{\"_placeholder\":true,\"num\":0}", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", " ", "\n", "connect", "\\u0024", "$",
    ];

    // Those of Socket.IO's own servers.
    private static readonly string[] Reserved = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

    private static readonly byte[][] Corpus = [.. Texts.Select(Encoding.UTF8.GetBytes)];

    // What the assembler makes of those with attachments.
    private static readonly byte[][] Assembled = [.. Corpus.Where(t => PacketHeader.HasAttachments(t)).Select(Assemble)];

    public override string Name => "socketio";

    public override string Run(Random random)
    {
        bool isAssembled = random.Next(10) == 0;
        byte[][] corpus = isAssembled ? Assembled : Corpus;
        byte[] message = Mutations.Mutate(corpus[random.Next(corpus.Length)], corpus, Pieces, random);
        try
        {
            bool isRead = isAssembled ? TryDecode(new TransportMessage(TransportMessageKind.Binary, message), out Packet packet) : TryRead(message, random, out packet);
            if (!isRead)
            {
                return "refused";
            }

            CheckPacket(packet);
            return packet.Arguments.Attachments.Length > 0 ? "with attachments" : "packets";
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"{Convert.ToHexString(message)} {Encoding.UTF8.GetString(message)}: {exception.Message}", exception);
        }
    }

    // As the server does it.
    private static bool TryRead(byte[] text, Random random, out Packet packet)
    {
        packet = default;
        var assembler = new PacketAssembler(maxBytes: 1_000);
        TransportMessage whole;
        try
        {
            bool isWhole = assembler.TryTake(text, isBinary: false, out whole);
            while (!isWhole)
            {
                isWhole = assembler.TryTake(Bytes(random, random.Next(20)), isBinary: true, out whole);
            }
        }
        catch (InvalidDataException)
        {
            Check(PacketHeader.HasAttachments(text), "only what announces attachments is refused by who waits for them");
            return false;
        }

        return TryDecode(whole, out packet);
    }

    private static bool TryDecode(TransportMessage whole, out Packet packet)
    {
        if (Codec.TryDecode(whole.Payload, whole.Kind == TransportMessageKind.Binary, out packet, out Packet answer))
        {
            return true;
        }

        Check(answer.Kind == PacketKind.Error && answer.Error!.Message.Length > 0, "a refusal says why");
        Check(Codec.IsFatal(answer), "what is refused ends the connection");
        return false;
    }

    private static void CheckPacket(Packet packet)
    {
        Check(packet.Namespace!.StartsWith('/'), "the namespace is always named");
        Check(packet.Event is null || !Reserved.Contains(packet.Event), "no event has a reserved name");
        if (packet.Kind == PacketKind.Connect)
        {
            string answer = Encoding.UTF8.GetString(Codec.Encode(packet.Refuse(new EventError("forbidden", "No.")), home: "")!.Payload.Span);
            Check(answer.StartsWith(packet.Namespace == "/" ? "44{" : $"44{packet.Namespace},{{", StringComparison.Ordinal), "a connect error names the namespace");
            return;
        }

        PacketAssert.Same(packet, Again(packet));

        // Others in the room may speak the other protocol.
        _ = Json.Encode(packet, home: "/");
        _ = Json.BinaryForm.Encode(packet, home: "/");
    }

    // What a client would get, given back to the server.
    private static Packet Again(Packet packet)
    {
        var assembler = new PacketAssembler(maxBytes: 1_000_000);
        TransportMessage whole = default;
        bool isWhole = false;
        for (EncodedPacket? next = Codec.Encode(packet, home: ""); next is not null; next = next.Next)
        {
            Check(!isWhole, "attachments are announced");
            isWhole = assembler.TryTake(next.Payload.ToArray(), next.IsBinary, out whole);
        }

        Check(isWhole, "as many attachments come as are announced");
        return TryDecode(whole, out Packet again) ? again : throw new InvalidOperationException("What the server sends is refused.");
    }

    private static byte[] Assemble(byte[] text)
    {
        var assembler = new PacketAssembler(maxBytes: 1_000);
        bool isWhole = assembler.TryTake(text, isBinary: false, out TransportMessage whole);
        for (int length = 1; !isWhole; length++)
        {
            isWhole = assembler.TryTake(new byte[length], isBinary: true, out whole);
        }

        return whole.Payload.ToArray();
    }
}
