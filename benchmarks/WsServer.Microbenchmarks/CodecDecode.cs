using System.Text;
using BenchmarkDotNet.Attributes;
using WsServer.Wire;

namespace WsServer.Microbenchmarks;

/// <summary>From the bytes of a message to a packet.</summary>
public class CodecDecode
{
    private readonly JsonPacketCodec _codec = new(new EnvelopeLimits(MaxNameLength: 256, MaxDepth: 64), new NameTable());
    private readonly byte[] _data100 = Encoding.UTF8.GetBytes($$"""{"event":"message","data":{{Messages.Data}},"id":17}""");
    private readonly byte[] _small = """{"event":"move","data":{"x":1,"y":2}}"""u8.ToArray();
    private readonly byte[] _arguments = """{"event":"move","args":[1,"two",{"x":3}],"id":17}"""u8.ToArray();
    private readonly byte[] _data16K = Encoding.UTF8.GetBytes($$"""{"event":"message","data":"{{new string('x', 16 * 1024)}}","id":17}""");

    [GlobalSetup]
    public void Check()
    {
        if (!(Data100() && Small() && Arguments() && Data16K()))
        {
            throw new InvalidOperationException("The codec refuses a message that it should take.");
        }
    }

    /// <summary>An event with a hundred bytes of data and an id.</summary>
    [Benchmark(Baseline = true)]
    public bool Data100() => _codec.TryDecode(_data100, isBinary: false, out _, out _);

    [Benchmark]
    public bool Small() => _codec.TryDecode(_small, isBinary: false, out _, out _);

    /// <summary>An event with several arguments.</summary>
    [Benchmark]
    public bool Arguments() => _codec.TryDecode(_arguments, isBinary: false, out _, out _);

    [Benchmark]
    public bool Data16K() => _codec.TryDecode(_data16K, isBinary: false, out _, out _);
}
