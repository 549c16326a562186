using System.Buffers;

namespace WsServer.Cluster;

/// <summary>Puts together the answer of one node that comes in parts.</summary>
internal sealed class GatheredReply : IReplies
{
    private readonly ArrayBufferWriter<byte> _parts = new();
    private volatile bool _isWhole;

    /// <summary>The answer; null while it has not come to its end.</summary>
    public ReadOnlyMemory<byte>? Content => _isWhole ? _parts.WrittenMemory : null;

    public void Open(int nodes)
    {
    }

    public void Part(string node, WireReader content) => _parts.Write(content.Rest.Span);

    public void Close(string node, bool isGone) => _isWhole = !isGone;
}
