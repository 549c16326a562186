using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.SocketIO.Wire;
using WsServer.Tests.Support;
using WsServer.Tests.Wire;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.SocketIO;

public class SocketIOFuzzTests
{
    private const int Rounds = 100_000;
    private const int Seed = 20_251_104;

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
        "{\"_placeholder\":true,\"num\":0}", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", " ", "\n",
    ];

    [Fact]
    public void Each_of_100000_mutated_packets_is_read_the_same_again_or_ends_the_connection()
    {
        var random = new Random(Seed);
        byte[][] corpus = [.. Texts.Select(Encoding.UTF8.GetBytes)];
        int packets = 0;
        int binaries = 0;
        int refusals = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] text = Mutations.Mutate(corpus[random.Next(corpus.Length)], corpus, Pieces, random);
            try
            {
                if (TryRead(text, random, out Packet packet))
                {
                    packets++;
                    binaries += packet.Arguments.Attachments.Length > 0 ? 1 : 0;
                    CheckPacket(packet);
                }
                else
                {
                    refusals++;
                }
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Round {round}: {Convert.ToHexString(text)} {Encoding.UTF8.GetString(text)}", exception);
            }
        }

        // The mutations are worth something only when all of it happens often.
        packets.Should().BeGreaterThan(Rounds / 10);
        binaries.Should().BeGreaterThan(Rounds / 50);
        refusals.Should().BeGreaterThan(Rounds / 4);
    }

    [Fact]
    public void Binary_messages_that_nobody_has_assembled_are_read_or_end_the_connection()
    {
        var random = new Random(Seed);
        byte[][] corpus = [.. Texts.Where(t => t.Contains("num", StringComparison.Ordinal)).Select(t => Sio.Assemble(Encoding.UTF8.GetBytes(t), Enumerable.Range(0, t[2] - '0').Select(n => new byte[n]).ToArray()).Message)];
        int packets = 0;
        for (int round = 0; round < Rounds / 10; round++)
        {
            byte[] message = Mutations.Mutate(corpus[random.Next(corpus.Length)], corpus, Pieces, random);
            if (Sio.Codec.TryDecode(message, isBinary: true, out Packet packet, out Packet answer))
            {
                packets++;
                CheckPacket(packet);
            }
            else
            {
                PacketAssert.That(Sio.Codec.IsFatal(answer), "what is refused ends the connection");
            }
        }

        packets.Should().BeGreaterThan(Rounds / 100);
    }

    // As the server does it, with as many attachments as the text asks for.
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
                byte[] attachment = new byte[random.Next(20)];
                random.NextBytes(attachment);
                isWhole = assembler.TryTake(attachment, isBinary: true, out whole);
            }
        }
        catch (InvalidDataException)
        {
            PacketAssert.That(PacketHeader.HasAttachments(text), "only what announces attachments is refused here");
            return false;
        }

        if (Sio.Codec.TryDecode(whole.Payload, whole.Kind == TransportMessageKind.Binary, out packet, out Packet answer))
        {
            return true;
        }

        PacketAssert.That(answer.Kind == PacketKind.Error && answer.Error!.Message.Length > 0, "a refusal says why");
        PacketAssert.That(Sio.Codec.IsFatal(answer), "what is refused ends the connection");
        return false;
    }

    private static void CheckPacket(Packet packet)
    {
        PacketAssert.That(packet.Namespace!.StartsWith('/'), "the namespace is always named");
        if (packet.Kind == PacketKind.Connect)
        {
            string answer = Sio.Encode(packet.Refuse(new EventError("forbidden", "No."))).Single();
            PacketAssert.That(answer.StartsWith(packet.Namespace == "/" ? "44{" : $"44{packet.Namespace},{{", StringComparison.Ordinal), "a connect error names the namespace");
            return;
        }

        PacketAssert.Same(packet, Sio.Again(packet));

        // Others in the room may speak the other protocol.
        _ = Codec.Json.Encode(packet, home: "/");
        _ = Codec.Json.BinaryForm.Encode(packet, home: "/");
    }
}
