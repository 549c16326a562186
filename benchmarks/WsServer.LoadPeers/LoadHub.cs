using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.SignalR;

namespace WsServer.LoadPeers;

/// <summary>A message for everyone in a room.</summary>
internal sealed record RoomMessage(string Room, string Msg);

/// <summary>The four events as SignalR's documentation would have them written.</summary>
internal sealed class LoadHub : Hub
{
    /// <summary>Sends to every connection, the caller's too.</summary>
    public Task Broadcast(string message) => Clients.All.SendAsync("broadcast", message);

    /// <summary>Answers with what came.</summary>
    [SuppressMessage("Performance", "CA1822:Mark members as static", Justification = "SignalR calls instance methods only.")]
    public string Echo(string message) => message;

    /// <summary>Joins a room.</summary>
    public Task Join(string room) => Groups.AddToGroupAsync(Context.ConnectionId, room);

    /// <summary>Sends to everyone in a room.</summary>
    public Task ToRoom(RoomMessage message) => Clients.Group(message.Room).SendAsync("toRoom", message.Msg);
}
