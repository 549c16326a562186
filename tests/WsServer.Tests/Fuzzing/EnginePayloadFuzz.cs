using System.IO.Pipelines;
using System.Text;
using WsServer.Connections;
using WsServer.SocketIO.Engine;
using WsServer.Tests.Support;
using WsServer.Wire;

namespace WsServer.Tests.Fuzzing;

/// <summary>Bodies of Engine.IO's polling requests.</summary>
internal sealed class EnginePayloadFuzz : FuzzTarget
{
    private static readonly byte[][] Corpus = [.. new[]
    {
        "4hello", "42[\"chat\",{\"msg\":\"grüße €😀\"}]\u001e3", "b\u001e4a\u001ebAQIDBA==\u001e4b", "bAQ==", "bAQI=\u001ebAQID", "3\u001e4a\u001e1\u001e4b", "0\u001e5\u001e6",
        "452-[\"f\",{\"_placeholder\":true,\"num\":0}]\u001ebAAECAwQFBgcICQ==", "1", "",
    }.Select(Encoding.UTF8.GetBytes)];

    private static readonly string[] Pieces = ["\u001e", "\u001e\u001e", "b", "bAQ==", "=", "==", "2", "3", "4", "1", "2probe", "\u00a0", " ", "\n", "\t", "AA", "+/", "-_", "\0", "\ufffd", "€"];

    public override string Name => "engineio";

    public override string Run(Random random)
    {
        if (random.Next(4) == 0)
        {
            RunWritten(random);
            return "written";
        }

        byte[] body = Mutations.Mutate(Corpus[random.Next(Corpus.Length)], Corpus, Pieces, random);
        try
        {
            return RunRead(body) ? "read" : "refused";
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"{Convert.ToHexString(body)} {Encoding.UTF8.GetString(body)}: {exception.Message}", exception);
        }
    }

    // Whatever is valid says what a plain reading of it says, and is the same when it is written again.
    private static bool RunRead(byte[] body)
    {
        if (!PollingPayload.IsValid(body))
        {
            return false;
        }

        string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(body);
        List<(bool IsBinary, byte[] Bytes)> expected = [];
        foreach (string packet in text.Split('\u001e').TakeWhile(p => p[0] != '1'))
        {
            if (packet[0] is '4' or 'b')
            {
                expected.Add(packet[0] == 'b' ? (true, Convert.FromBase64String(packet[1..])) : (false, Encoding.UTF8.GetBytes(packet)));
            }
        }

        List<(bool IsBinary, byte[] Bytes)> found = Take(body);
        CheckSame(found, expected);
        if (found.Count > 0)
        {
            byte[] written = Write(found);
            Check(PollingPayload.IsValid(written), "what is written is valid");
            CheckSame(Take(written), found);
        }

        return true;
    }

    // What the server writes is what a client would have to write.
    private static void RunWritten(Random random)
    {
        List<(bool IsBinary, byte[] Bytes)> packets = [];
        for (int left = random.Next(1, 6); left > 0; left--)
        {
            bool isBinary = random.Next(2) == 0;
            byte[] text = [(byte)'4', .. Encoding.UTF8.GetBytes(Convert.ToBase64String(Bytes(random, random.Next(60))))];
            packets.Add((isBinary, isBinary ? Bytes(random, random.Next(3) == 0 ? random.Next(5_000) : random.Next(10)) : text));
        }

        byte[] body = Write(packets);
        Check(PollingPayload.IsValid(body), "what is written is valid");
        CheckSame(Take(body), packets);
    }

    private static byte[] Write(List<(bool IsBinary, byte[] Bytes)> packets)
    {
        EncodedPacket[] encoded = [.. packets.Select(p => EncodedPacket.Create(p.Bytes, p.IsBinary))];
        using var stream = new MemoryStream();
        var writer = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        PollingPayload.Write(encoded, writer);
        writer.Complete();
        Check(stream.Length == PollingPayload.LengthOf(encoded), "the length is what was announced");
        foreach (EncodedPacket packet in encoded)
        {
            packet.Release();
        }

        return stream.ToArray();
    }

    private static List<(bool IsBinary, byte[] Bytes)> Take(byte[] body)
    {
        var posted = new PostedPackets(body.ToArray());
        List<(bool IsBinary, byte[] Bytes)> all = [];
        while (posted.TryTake(out ReadOnlyMemory<byte> message, out TransportMessageKind kind))
        {
            if (kind != TransportMessageKind.Control)
            {
                all.Add((kind == TransportMessageKind.Binary, message.ToArray()));
            }
        }

        return all;
    }

    private static void CheckSame(List<(bool IsBinary, byte[] Bytes)> actual, List<(bool IsBinary, byte[] Bytes)> expected)
    {
        Check(actual.Count == expected.Count, $"there are {expected.Count} messages and not {actual.Count}");
        for (int i = 0; i < actual.Count; i++)
        {
            Check(actual[i].IsBinary == expected[i].IsBinary && actual[i].Bytes.AsSpan().SequenceEqual(expected[i].Bytes), $"message {i} is kept");
        }
    }
}
