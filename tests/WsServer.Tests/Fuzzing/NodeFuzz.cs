using System.Text;
using WsServer.Cluster;
using WsServer.Tests.Support;
using WsServer.Wire;

namespace WsServer.Tests.Fuzzing;

/// <summary>Messages between nodes: an emit with its audience and arguments.</summary>
internal sealed class NodeFuzz : FuzzTarget
{
    private static readonly string[] Words = ["", "a", "/chat", "room", "ü€😀", "a room with a long name, longer than a length of seven bits can say: 0123456789012345678901234567890123456789012345678901234567890123456789"];

    private static readonly string[] Pieces = ["WS", "\u0001", "\0", "\u0005/chat", "\u007f", "é"];

    public override string Name => "node";

    public override string Run(Random random)
    {
        byte[] message = Write(random, out Audience audience, out Packet packet);
        if (random.Next(3) == 0)
        {
            Same(Read(message)!.Value, (audience, packet));
            return "written";
        }

        byte[] mutated = Mutations.Mutate(message, [Write(random, out _, out _)], Pieces, random);
        try
        {
            if (Read(mutated) is not { } read)
            {
                return "refused";
            }

            // What can be read is the same when it is written again.
            Same(Read(Write(read.Audience, read.Packet))!.Value, read);
            return "read";
        }
        catch (InvalidDataException)
        {
            return "refused";
        }
    }

    private static (Audience Audience, Packet Packet)? Read(byte[] message)
    {
        if (Envelopes.ReadHeader(message, out WireReader records) is null)
        {
            return null;
        }

        (Audience, Packet)? last = null;
        while (!records.IsAtEnd)
        {
            (_, MessageKind kind, ReadOnlyMemory<byte> content) = Envelopes.ReadRecord(ref records);
            if (kind == MessageKind.Emit)
            {
                var reader = new WireReader(content);
                last = Envelopes.ReadEmit(ref reader);
            }
        }

        return last;
    }

    private static byte[] Write(Random random, out Audience audience, out Packet packet)
    {
        ReadOnlyMemory<byte>[]? attachments = random.Next(3) == 0 ? [Bytes(random, random.Next(300)), Bytes(random, 0)] : null;
        audience = new Audience(Word(random), Some(random), Some(random), random.Next(2) == 0) { Sid = random.Next(4) == 0 ? Word(random) : null };
        packet = new Packet(PacketKind.Event)
        {
            Namespace = audience.Namespace,
            Event = Word(random),
            Arguments = JsonArguments.FromUtf8(Encoding.UTF8.GetBytes($"\"{Word(random)}\""), 1, attachments),
        };
        return Write(audience, packet);
    }

    private static byte[] Write(Audience audience, in Packet packet)
    {
        using var message = new WireBuffer();
        using var content = new WireBuffer();
        Envelopes.WriteHeader(message, "Abc_-123");
        Envelopes.WriteEmit(content, audience, packet);
        Envelopes.WriteRecord(message, 1, MessageKind.Emit, content.Memory.Span);
        return message.Memory.ToArray();
    }

    private static string Word(Random random) => Words[random.Next(Words.Length)];

    private static string[] Some(Random random) => [.. Enumerable.Range(0, random.Next(3)).Select(_ => Word(random))];

    private static void Same((Audience Audience, Packet Packet) actual, (Audience Audience, Packet Packet) expected)
    {
        Check(actual.Audience.Namespace == expected.Audience.Namespace && actual.Audience.Sid == expected.Audience.Sid, "namespace and sid are kept");
        Check(actual.Audience.Rooms.SequenceEqual(expected.Audience.Rooms) && actual.Audience.Except.SequenceEqual(expected.Audience.Except), "rooms are kept");
        Check(actual.Audience.IsVolatile == expected.Audience.IsVolatile, "volatile is kept");
        Check(actual.Audience.WhenSlow?.ToString() == expected.Audience.WhenSlow?.ToString(), "the policy is kept");
        Check(actual.Packet.Event == expected.Packet.Event && actual.Packet.Arguments.Count == expected.Packet.Arguments.Count, "the event is kept");
        Check(actual.Packet.Arguments.Utf8.Span.SequenceEqual(expected.Packet.Arguments.Utf8.Span), "the arguments are kept");
        Check(actual.Packet.Arguments.Attachments.Length == expected.Packet.Arguments.Attachments.Length, "the attachments are kept");
        for (int i = 0; i < expected.Packet.Arguments.Attachments.Length; i++)
        {
            Check(actual.Packet.Arguments.Attachments[i].Span.SequenceEqual(expected.Packet.Arguments.Attachments[i].Span), "each attachment is kept");
        }
    }
}
