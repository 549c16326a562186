using System.Text;
using System.Text.Json;
using WsServer.Tests.SocketIO;
using WsServer.Tests.Support;
using WsServer.Wire;

namespace WsServer.Tests.Fuzzing;

/// <summary>Messages of the event protocol that are nearly right.</summary>
internal sealed class EnvelopeFuzz : FuzzTarget
{
    private const int MaxNameLength = 256;

    private static readonly JsonPacketCodec Codec = new(new EnvelopeLimits(MaxNameLength, MaxDepth: 64), new NameTable());

    private static readonly string[] Texts =
    [
        """{"event":"chat","data":{"msg":"hi"}}""",
        """{"event":"message-and-ack","data":{"message":"grüße €😀"},"id":1,"ns":"/news"}""",
        """{"event":"add","args":[1,2.5e3,"three",[4],{"five":5},null,true],"id":"a\u00e4\ud83d\ude00"}""",
        """{"ack":7,"data":"got it"}""",
        """{"ack":7,"args":[],"ns":"/n"}""",
        """{"ack":"x","error":{"code":"full","message":"It is full.","limit":2,"more":{"a":[1,"\u20ac"]}}}""",
        """{"connect":"/news","auth":{"token":"t"}}""",
        """{"disconnect":"/news"}""",
        """{"ping":{"a":[1,2,3]}}""",
        """{"pong":1}""",
        """{"connected":"/","sid":"x"}""",
        """{"connect_error":"/","error":{"code":"a","message":"b"}}""",
        """{"error":{"code":"a","message":"b"}}""",
        """{"event":"e","event":"f","data":1,"args":[],"id":-1}""",
        """{"event":"\ud800","id":9007199254740992}""",
        """{"event":"$x","bin":[1],"ns":"news","data":[[[[[[[[[[1]]]]]]]]]]}""",
        """{"event":"disconnect","data":1}""",
        "[1,2,3]",
        " ",
    ];

    private static readonly (string Envelope, int Attachments)[] Binaries =
    [
        ("""{"event":"file","data":{"_placeholder":true,"num":0},"bin":[5]}""", 5),
        ("""{"event":"file","args":[{"num":1,"_placeholder":true},{"x":{"_placeholder":true,"num":0}}],"bin":[2,3],"id":4}""", 5),
        ("""{"ack":1,"data":[{"_placeholder":{"_placeholder":true,"num":0}}],"bin":[1]}""", 1),
        ("""{"ping":1,"bin":[]}""", 0),
    ];

    private static readonly string[] Pieces =
    [
        "\"", "{", "}", "[", "]", ",", ":", "\\", "\\u", "\\ud800", "\\udfff", "\\u0000", "\\n", "\0", "\ufeff", "-1", "1.0", "1e3", "9007199254740992", "1E400",
        "null", "true", "\"event\":", "\"ack\":", "\"id\":", "\"ns\":", "\"data\":", "\"args\":", "\"bin\":", "\"bin\":[1]", "\"error\":{", "\"_placeholder\":true",
        "\"num\":", "{\"_placeholder\":true,\"num\":0}", "\"connect\":\"/a\"", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "/*", "//",
        "connect", "newListener", "\\u0024", "disconnect",
    ];

    private static readonly (byte[] Bytes, bool IsBinary)[] Corpus =
    [
        .. Texts.Select(t => (Encoding.UTF8.GetBytes(t), false)),
        .. Binaries.Select(b => ((byte[])[.. Encoding.UTF8.GetBytes(b.Envelope), 0, .. new byte[b.Attachments]], true)),
    ];

    private static readonly byte[][] Messages = Array.ConvertAll(Corpus, c => c.Bytes);

    private static readonly HashSet<string> Codes = [ErrorCodes.InvalidJson, ErrorCodes.InvalidEnvelope];

    public override string Name => "envelope";

    public override string Run(Random random)
    {
        (byte[] original, bool isBinary) = Corpus[random.Next(Corpus.Length)];
        byte[] message = Mutations.Mutate(original, Messages, Pieces, random);
        isBinary ^= random.Next(50) == 0;
        try
        {
            if (Codec.TryDecode(message, isBinary, out Packet packet, out Packet answer))
            {
                CheckPacket(packet);
                return packet.Arguments.Attachments.Length > 0 ? "with attachments" : "packets";
            }

            CheckAnswer(answer);
            return "refused";
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"{(isBinary ? "Binary" : "Text")} {Convert.ToHexString(message)} {Encoding.UTF8.GetString(message)}: {exception.Message}", exception);
        }
    }

    private static void CheckAnswer(Packet answer)
    {
        Check(answer.Kind is PacketKind.Error or PacketKind.Ack or PacketKind.ConnectError, "an answer is an error of some kind");
        JsonElement error = JsonElement.Parse(Encode(answer).Payload.Span).GetProperty("error");
        Check(Codes.Contains(error.GetProperty("code").GetString()!), "the code is a documented one");
        Check(error.GetProperty("message").GetString()!.Length > 0, "the error says why");
        Check(answer.Kind != PacketKind.Ack || !answer.Id.IsNone, "an ack has an id");
    }

    // What the server sends of this kind must say the same to the next reader, in both forms.
    private static void CheckPacket(Packet packet)
    {
        Check(packet.Event is null || (packet.Event.Length <= MaxNameLength && !ReservedNames.Contains(packet.Event)), "no event has a reserved name or a long one");
        Check(packet.Namespace is null || packet.Namespace.Length <= MaxNameLength, "no namespace has a long name");
        if (packet.Kind == PacketKind.Disconnect)
        {
            // It has no arguments; what a client adds is nobody's.
            Packet again = Decode(Encode(packet));
            Check(again.Kind == packet.Kind && again.Namespace == packet.Namespace, "a disconnect names the namespace");
        }
        else if (packet.Kind is PacketKind.Event or PacketKind.Ack)
        {
            EncodedPacket text = Encode(packet);
            Packet again = Decode(text);
            Check(text.IsBinary || packet.Arguments.Attachments.Length > 0 || again.Arguments.ToString() == packet.Arguments.ToString(), "the arguments are kept");
            CheckSame(packet, again);
            Packet binary = Decode(Codec.BinaryForm.Encode(packet, home: "")!);
            CheckSame(packet, binary);
            PacketAssert.Same(packet, binary);
        }
        else if (packet.Kind == PacketKind.Ping)
        {
            Packet pong = Decode(Encode(packet with { Kind = PacketKind.Pong }));
            Check(pong.Kind == PacketKind.Pong && pong.Arguments.ToString() == packet.Arguments.ToString(), "a pong echoes the ping");
        }
        else if (packet.Kind == PacketKind.Connect)
        {
            JsonElement refusal = JsonElement.Parse(Encode(packet.Refuse(new EventError("forbidden", "No."))).Payload.Span);
            Check(refusal.GetProperty("connect_error").GetString() == packet.Namespace, "a connect error names the namespace");
        }
    }

    private static void CheckSame(Packet expected, Packet actual)
    {
        Check(actual.Kind == expected.Kind && actual.Event == expected.Event && actual.Id == expected.Id && actual.Namespace == expected.Namespace, "the envelope is kept");
        Check(actual.Arguments.Count == expected.Arguments.Count, "the number of arguments is kept");
        Check(actual.Error?.Code == expected.Error?.Code && actual.Error?.Message == expected.Error?.Message, "the error is kept");
        Check(actual.Error?.Details?.ToJsonString() == expected.Error?.Details?.ToJsonString(), "the error's details are kept");
    }

    private static EncodedPacket Encode(Packet packet) => Codec.Encode(packet, home: "")!;

    private static Packet Decode(EncodedPacket encoded) => Codec.TryDecode(encoded.Payload.ToArray(), encoded.IsBinary, out Packet packet, out Packet answer)
        ? packet
        : throw new InvalidOperationException($"What the server sends is refused: {answer.Error}");
}
