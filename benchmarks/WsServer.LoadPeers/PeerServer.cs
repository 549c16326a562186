using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;

namespace WsServer.LoadPeers;

/// <summary>The four events over ASP.NET Core's own WebSockets: what a careful programmer writes without a library.</summary>
internal sealed class PeerServer
{
    private readonly PeerSet _everyone = new();
    private readonly ConcurrentDictionary<string, PeerSet> _rooms = new(StringComparer.Ordinal);

    /// <summary>Serves one connection for as long as it is open.</summary>
    public async Task AcceptAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        var peer = new Peer(socket);
        peer.Send(JsonSerializer.SerializeToUtf8Bytes(new { connected = "/", sid = context.Connection.Id }));
        _everyone.Add(peer);
        try
        {
            await peer.ReceiveAsync(Handle, context.RequestAborted);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException or JsonException)
        {
            // The client broke the connection, or wrote what is no envelope.
            socket.Abort();
        }
        finally
        {
            _everyone.Remove(peer);
            foreach (string room in peer.Rooms)
            {
                Leave(peer, room);
            }
        }
    }

    private void Handle(Peer peer, ReadOnlySpan<byte> message)
    {
        Envelope envelope = Envelope.Parse(message);
        switch (envelope.Event)
        {
            case "broadcast":
                _everyone.Send(Envelope.WriteEvent("broadcast"u8, envelope.Data));
                break;
            case "echo" when envelope.Id is { } id:
                peer.Send(Envelope.WriteAck(id, envelope.Data));
                break;
            case "join":
                Join(peer, JsonSerializer.Deserialize<string>(envelope.Data) ?? "");
                if (envelope.Id is { } joinId)
                {
                    peer.Send(Envelope.WriteAck(joinId, default));
                }

                break;
            case "toRoom":
                (string? room, ReadOnlyMemory<byte> data) = envelope.ReadRoomMessage();
                if (room is not null && _rooms.TryGetValue(room, out PeerSet? members))
                {
                    members.Send(Envelope.WriteEvent("toRoom"u8, data.Span));
                }

                break;
        }
    }

    private void Join(Peer peer, string room)
    {
        // A set from which the last has just gone takes nobody any more: the next round makes a new one.
        while (!_rooms.GetOrAdd(room, _ => new PeerSet()).Add(peer))
        {
        }

        peer.Rooms.Add(room);
    }

    private void Leave(Peer peer, string room)
    {
        if (_rooms.TryGetValue(room, out PeerSet? members) && members.RemoveAndClose(peer))
        {
            _rooms.TryRemove(KeyValuePair.Create(room, members));
        }
    }
}
