using System.Text;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Wire;

public class FuzzTests
{
    private const int Messages = 100_000;
    private const int Seed = 20_250_611;

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
    ];

    private static readonly HashSet<string> Codes = [ErrorCodes.InvalidJson, ErrorCodes.InvalidEnvelope];

    [Fact]
    public void Each_of_100000_mutated_messages_gives_a_packet_or_a_documented_error()
    {
        var random = new Random(Seed);
        (byte[] Bytes, bool IsBinary)[] corpus =
        [
            .. Texts.Select(t => (Encoding.UTF8.GetBytes(t), false)),
            .. Binaries.Select(b => (Codec.Binary(b.Envelope, new byte[b.Attachments]), true)),
        ];
        int packets = 0;
        int errors = 0;
        byte[][] messages = Array.ConvertAll(corpus, c => c.Bytes);
        for (int i = 0; i < Messages; i++)
        {
            (byte[] original, bool isBinary) = corpus[random.Next(corpus.Length)];
            byte[] message = Mutations.Mutate(original, messages, Pieces, random);
            isBinary ^= random.Next(50) == 0;
            try
            {
                if (Codec.Json.TryDecode(message, isBinary, out Packet packet, out Packet answer))
                {
                    packets++;
                    CheckPacket(packet);
                }
                else
                {
                    errors++;
                    CheckAnswer(answer);
                }
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Message {i}, {(isBinary ? "binary" : "text")}: {Convert.ToHexString(message)} {Encoding.UTF8.GetString(message)}", exception);
            }
        }

        // The mutations are worth something only when both happen often.
        packets.Should().BeGreaterThan(Messages / 20);
        errors.Should().BeGreaterThan(Messages / 4);
    }

    private static void CheckAnswer(Packet answer)
    {
        Assert(answer.Kind is PacketKind.Error or PacketKind.Ack or PacketKind.ConnectError, "an answer is an error of some kind");
        JsonElement json = JsonElement.Parse(Codec.Encode(answer));
        JsonElement error = json.GetProperty("error");
        if (!Codes.Contains(error.GetProperty("code").GetString()!) || error.GetProperty("message").GetString()!.Length == 0)
        {
            throw new InvalidOperationException($"Answered {json.GetRawText()}.");
        }

        Assert(answer.Kind != PacketKind.Ack || !answer.Id.IsNone, "an ack has an id");
    }

    // What the server sends of this kind must say the same to the next reader, in both forms.
    private static void CheckPacket(Packet packet)
    {
        if (packet.Kind is PacketKind.Event or PacketKind.Ack or PacketKind.Disconnect)
        {
            Packet text = Codec.Decode(Codec.Encode(packet, home: ""));
            AssertSame(packet, text);
            EncodedPacket encoded = Codec.Json.BinaryForm.Encode(packet, home: "")!;
            Packet binary = Codec.Decode(encoded.Payload.ToArray(), encoded.IsBinary);
            AssertSame(packet, binary);
            Assert(binary.Arguments.Text() == packet.Arguments.Text(), "arguments are kept");
            Assert(binary.Arguments.Attachments.Length == packet.Arguments.Attachments.Length, "attachments are kept");
            for (int i = 0; i < packet.Arguments.Attachments.Length; i++)
            {
                Assert(binary.Arguments.Attachments[i].Span.SequenceEqual(packet.Arguments.Attachments[i].Span), "attachments are kept as they are");
            }
        }
        else if (packet.Kind == PacketKind.Ping)
        {
            Packet pong = Codec.Decode(Codec.Encode(packet with { Kind = PacketKind.Pong }));
            Assert(pong.Kind == PacketKind.Pong && pong.Arguments.Text() == packet.Arguments.Text(), "a pong echoes the ping");
        }
        else if (packet.Kind == PacketKind.Connect)
        {
            JsonElement refusal = JsonElement.Parse(Codec.Encode(packet.Refuse(new EventError("forbidden", "No."))));
            Assert(refusal.GetProperty("connect_error").GetString() == packet.Namespace, "a connect error names the namespace");
        }
    }

    private static void AssertSame(Packet expected, Packet actual)
    {
        Assert(actual.Kind == expected.Kind, "the kind is kept");
        Assert(actual.Event == expected.Event, "the name is kept");
        Assert(actual.Id == expected.Id, "the id is kept");
        Assert(actual.Namespace == expected.Namespace, "the namespace is kept");
        Assert(actual.Arguments.Count == expected.Arguments.Count, "the number of arguments is kept");
        Assert(actual.Error?.Code == expected.Error?.Code && actual.Error?.Message == expected.Error?.Message, "the error is kept");
        Assert(actual.Error?.Details?.ToJsonString() == expected.Error?.Details?.ToJsonString(), "the error's details are kept");
        if (expected.Arguments.Attachments.Length == 0)
        {
            Assert(actual.Arguments.Text() == expected.Arguments.Text(), "the arguments are kept");
        }
    }

    // FluentAssertions would take most of the time.
    private static void Assert(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"Not so: {what}.");
        }
    }
}
