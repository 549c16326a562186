using System.Buffers.Text;
using System.Text.Unicode;
using WsServer.Connections;

namespace WsServer.Microbenchmarks;

/// <summary>A client that notes the ids of the events it gets, and then acks them.</summary>
internal sealed class AnsweringClient(Deliveries deliveries, int most) : MemoryTransport(deliveries)
{
    /// <summary>The data of each ack.</summary>
    public const string Answer = "\"fine\"";

    private readonly TransportMessage[] _answer = new TransportMessage[1];
    private readonly byte[] _text = new byte[256];
    private readonly long[] _ids = new long[most];
    private int _count;

    /// <summary>Acks every event noted.</summary>
    public void AnswerAll()
    {
        for (int i = 0; i < _count; i++)
        {
            WaitUntilRead();
            _answer[0] = new TransportMessage(TransportMessageKind.Text, _text.AsMemory(0, WriteAck(_ids[i])));
            Deliver(_answer);
        }

        _count = 0;
    }

    protected override void OnSent(ReadOnlySpan<byte> message)
    {
        int start = message.LastIndexOf("\"id\":"u8);
        if (start >= 0 && Utf8Parser.TryParse(message[(start + 5)..], out long id, out _))
        {
            _ids[_count++] = id;
        }
    }

    private int WriteAck(long id) => Utf8.TryWrite(_text, $$"""{"ack":{{id}},"data":{{Answer}}}""", out int length) ? length : throw new InvalidOperationException("An ack is too long.");
}
