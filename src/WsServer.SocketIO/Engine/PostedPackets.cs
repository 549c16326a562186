using System.Buffers.Text;
using WsServer.Connections;

namespace WsServer.SocketIO.Engine;

/// <summary>The messages of one POST, on their way to the reader of the session. Not safe for concurrent use; the session's lock guards it.</summary>
internal sealed class PostedPackets
{
    private readonly TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Memory<byte> _rest;

    /// <param name="body">A valid body, which is the packets' own from now on.</param>
    public PostedPackets(Memory<byte> body)
    {
        int offset = 0;
        foreach (Range range in body.Span.Split(PollingPayload.Separator))
        {
            switch (body.Span[range][0])
            {
                case EnginePacketType.Pong:
                    HasPong = true;
                    break;
                case EnginePacketType.Close:
                    // What comes behind a goodbye is not said any more.
                    HasClose = true;
                    _rest = body[..offset];
                    return;
                default:
                    break;
            }

            offset = range.End.GetOffset(body.Length) + 1;
        }

        _rest = body;
    }

    /// <summary>Whether the client has answered a ping.</summary>
    public bool HasPong { get; }

    /// <summary>Whether the client ends the session, after the messages.</summary>
    public bool HasClose { get; }

    /// <summary>Completes when the reader has taken all messages and come for more, or there is no reader any more.</summary>
    public Task Taken => _taken.Task;

    /// <summary>Takes the next message, or what is for the session itself and has been looked at; its memory stays valid.</summary>
    public bool TryTake(out ReadOnlyMemory<byte> message, out TransportMessageKind kind)
    {
        message = default;
        kind = TransportMessageKind.Control;
        if (_rest.IsEmpty)
        {
            return false;
        }

        int end = _rest.Span.IndexOf(PollingPayload.Separator);
        Memory<byte> packet = end < 0 ? _rest : _rest[..end];
        _rest = end < 0 ? default : _rest[(end + 1)..];
        message = packet;
        switch (packet.Span[0])
        {
            case EnginePacketType.Message:
                kind = TransportMessageKind.Text;
                break;
            case EnginePacketType.Binary:
                Base64.DecodeFromUtf8InPlace(packet.Span[1..], out int length);
                message = packet.Slice(1, length);
                kind = TransportMessageKind.Binary;
                break;
            default:
                break;
        }

        return true;
    }

    /// <summary>Lets the POST be answered.</summary>
    public void Complete() => _taken.TrySetResult();
}
