using System.Text;
using WsServer.Connections;
using WsServer.Tests.Support;

namespace WsServer.Tests.Connections;

/// <summary>A random conversation: the bytes of a proper client, and what they say. It ends with a close.</summary>
internal sealed class FrameScript
{
    private static readonly int[] Edges = [0, 1, 2, 125, 126, 127, 255, 256, 4_095, 4_096, 4_097, 65_535, 65_536];

    private readonly Random _random;
    private readonly int _longest;
    private readonly List<byte> _bytes = [];
    private readonly List<Found> _said = [];

    private FrameScript(Random random, int longest)
    {
        _random = random;
        _longest = longest;
    }

    public byte[] Bytes => [.. _bytes];

    public IReadOnlyList<Found> Said => _said;

    public static FrameScript Write(Random random, int messages, int longest)
    {
        var script = new FrameScript(random, longest);
        for (int i = 0; i < messages; i++)
        {
            script.WriteMessage();
        }

        script.WriteFrame(RawFrame.Close, [0x03, 0xe8, .. "bye"u8], isFinal: true);
        script._said.Add(new Found(FrameKind.Close, [0x03, 0xe8, .. "bye"u8]));
        return script;
    }

    private void WriteMessage()
    {
        bool isText = _random.Next(2) == 0;
        byte[] payload = isText ? Text() : RandomBytes(Length());
        int opcode = isText ? RawFrame.Text : RawFrame.Binary;
        ReadOnlySpan<byte> left = payload;
        WriteControlSometimes();
        while (_random.Next(3) == 0)
        {
            int count = _random.Next(left.Length + 1);
            WriteFrame(opcode, left[..count], isFinal: false);
            WriteControlSometimes();
            left = left[count..];
            opcode = RawFrame.Continuation;
        }

        WriteFrame(opcode, left, isFinal: true);
        _said.Add(new Found(isText ? FrameKind.Text : FrameKind.Binary, payload));
    }

    private void WriteControlSometimes()
    {
        while (_random.Next(4) == 0)
        {
            bool isPing = _random.Next(2) == 0;
            byte[] payload = RandomBytes(_random.Next(126));
            WriteFrame(isPing ? RawFrame.Ping : RawFrame.Pong, payload, isFinal: true);
            _said.Add(new Found(isPing ? FrameKind.Ping : FrameKind.Pong, payload));
        }
    }

    private void WriteFrame(int opcode, ReadOnlySpan<byte> payload, bool isFinal) =>
        _bytes.AddRange(ClientFrame.Encode(opcode, payload, isFinal, mask: RandomBytes(4)));

    private int Length() => _random.Next(3) switch
    {
        0 => Math.Min(_longest, Edges[_random.Next(Edges.Length)]),
        1 => _random.Next(200),
        _ => _random.Next(_longest + 1),
    };

    private byte[] Text()
    {
        string[] characters = ["a", "ü", "€", "😀", "\0"];
        int length = Length();
        var text = new StringBuilder();
        for (int bytes = 0; bytes < length - 3;)
        {
            string next = characters[_random.Next(characters.Length)];
            bytes += Encoding.UTF8.GetByteCount(next);
            text.Append(next);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }
}
