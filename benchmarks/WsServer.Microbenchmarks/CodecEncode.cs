using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using WsServer.Wire;

namespace WsServer.Microbenchmarks;

/// <summary>From a packet to the frame that is sent.</summary>
public class CodecEncode
{
    private readonly JsonPacketCodec _codec = new(new EnvelopeLimits(MaxNameLength: 256, MaxDepth: 64), new NameTable());
    private readonly Packet _event;
    private readonly Packet _ack;
    private readonly Packet _error;

    public CodecEncode()
    {
        JsonArguments data = new EventSerializer(JsonSerializerOptions.Web).Write(new string('x', 100));
        _event = new Packet(PacketKind.Event) { Namespace = "/", Event = "message", Arguments = data };
        _ack = new Packet(PacketKind.Ack) { Namespace = "/", Id = new PacketId(17), Arguments = data };
        _error = new Packet(PacketKind.Ack)
        {
            Namespace = "/",
            Id = new PacketId(17),
            Error = new EventError(ErrorCodes.InvalidData, "The data at $.room does not fit a string.", new() { ["path"] = "$.room" }),
        };
    }

    [GlobalSetup]
    public void Check()
    {
        Expect(_event, $$"""{"event":"message","data":{{Messages.Data}}}""");
        Expect(_ack, $$"""{"ack":17,"data":{{Messages.Data}}}""");
        Expect(_error, """{"ack":17,"error":{"code":"invalid_data","message":"The data at $.room does not fit a string.","path":"$.room"}}""");
    }

    /// <summary>An event with a hundred bytes of data.</summary>
    [Benchmark(Baseline = true)]
    public int Event() => Encode(_event);

    /// <summary>An ack with a hundred bytes of data.</summary>
    [Benchmark]
    public int Ack() => Encode(_ack);

    /// <summary>An ack that says what went wrong, with a further member.</summary>
    [Benchmark]
    public int Error() => Encode(_error);

    // One place for what becomes of the bytes afterwards.
    private int Encode(in Packet packet)
    {
        EncodedPacket encoded = _codec.Encode(packet, home: "/");
        encoded.Release();
        return encoded.Length;
    }

    private void Expect(Packet packet, string text)
    {
        string encoded = Encoding.UTF8.GetString(_codec.Encode(packet, home: "/").Payload.Span);
        if (encoded != text)
        {
            throw new InvalidOperationException($"The codec wrote {encoded}; it should have been {text}.");
        }
    }
}
