namespace WsServer.SocketIO.Wire;

/// <summary>The first digit of a Socket.IO packet.</summary>
internal enum PacketType
{
    Connect = 0,
    Disconnect = 1,
    Event = 2,
    Ack = 3,
    ConnectError = 4,
    BinaryEvent = 5,
    BinaryAck = 6,
}
