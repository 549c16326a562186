using WsServer.Dispatch;
using WsServer.Wire;

namespace WsServer.Cluster;

/// <summary>Asks the sockets of this node on behalf of another, and tells that what becomes of each.</summary>
internal sealed class RemoteAcks(NodeRequest request, PacketId id) : IAckWaiter, IAckCollector
{
    private readonly Lock _gate = new();
    private readonly List<EventSocket> _asked = [];
    private int _answered;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isSealed;
    private List<WireBuffer>? _early = [];

    /// <summary>Ends when all that were asked are settled.</summary>
    public Task Ended => _ended.Task;

    public void Ask(EventSocket socket, PacketId packetId, OutgoingPacket packet)
    {
        lock (_gate)
        {
            _asked.Add(socket);
        }

        try
        {
            socket.Ask(packetId, this, packet);
        }
        catch (EventException exception)
        {
            Failed(socket.Id, exception.Error);
        }
    }

    /// <summary>Tells who was asked; what became of them meanwhile comes behind it.</summary>
    public void Seal()
    {
        lock (_gate)
        {
            var asked = new WireBuffer();
            asked.Byte((byte)AckPart.Asked);
            asked.Texts(_asked.ConvertAll(s => s.Id));
            request.Part(asked);
            _early?.ForEach(request.Part);
            _early = null;
            _isSealed = true;
            EndIfDone();
        }
    }

    /// <summary>The time is up: who has not answered is not waited for.</summary>
    public void End()
    {
        foreach (EventSocket socket in _asked)
        {
            socket.Forget(id);
        }

        request.Done();
    }

    public void Answered(string sid, in Packet ack)
    {
        if (ack.Error is { } error)
        {
            Failed(sid, error);
            return;
        }

        var part = new WireBuffer();
        part.Byte((byte)AckPart.Answered);
        part.Text(sid);
        part.Arguments(ack.Arguments);
        Settle(part);
    }

    public void Gone(string sid)
    {
        var part = new WireBuffer();
        part.Byte((byte)AckPart.Gone);
        part.Text(sid);
        Settle(part);
    }

    private void Failed(string sid, EventError error)
    {
        using JsonScratch scratch = JsonScratch.Rent();
        error.WriteTo(scratch.Writer);
        var part = new WireBuffer();
        part.Byte((byte)AckPart.Failed);
        part.Text(sid);
        part.Bytes(scratch.Finish());
        Settle(part);
    }

    private void Settle(WireBuffer part)
    {
        lock (_gate)
        {
            _answered++;
            if (_early is { } early)
            {
                early.Add(part);
                return;
            }

            request.Part(part);
            EndIfDone();
        }
    }

    private void EndIfDone()
    {
        if (_isSealed && _answered == _asked.Count)
        {
            request.Done();
            _ended.TrySetResult();
        }
    }
}
