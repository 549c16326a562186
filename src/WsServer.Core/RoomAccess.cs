namespace WsServer;

/// <summary>What the policies of a room are asked about: the resource of <see cref="EventNamespace.RequireAuthorizationInRooms(Func{string, bool}, string[])"/>.</summary>
/// <param name="Socket">Who wants to be in the room, or is.</param>
/// <param name="Room">The room.</param>
public sealed record RoomAccess(EventSocket Socket, string Room);
