using System.Globalization;
using System.Text;
using WsServer.Wire;

namespace WsServer.SocketIO.Engine;

/// <summary>The types of Engine.IO packets: the first byte of each text packet.</summary>
internal static class EnginePacketType
{
    public const byte Open = (byte)'0';
    public const byte Close = (byte)'1';
    public const byte Ping = (byte)'2';
    public const byte Pong = (byte)'3';
    public const byte Message = (byte)'4';
    public const byte Upgrade = (byte)'5';
    public const byte Noop = (byte)'6';

    /// <summary>Not a type: in a polling body, base64 follows.</summary>
    public const byte Binary = (byte)'b';
}

/// <summary>The packets that Engine.IO itself sends. Made once and never released, so any number of sessions may send them.</summary>
internal static class EnginePackets
{
    public static readonly EncodedPacket Close = Text("1");
    public static readonly EncodedPacket Ping = Text("2");
    public static readonly EncodedPacket ProbePong = Text("3probe");
    public static readonly EncodedPacket Noop = Text("6");

    /// <summary>What a client says first over a WebSocket that is to become its session's transport.</summary>
    public static readonly ReadOnlyMemory<byte> Probe = "2probe"u8.ToArray();

    /// <summary>What it says when it has stopped polling.</summary>
    public static readonly ReadOnlyMemory<byte> Upgrade = "5"u8.ToArray();

    /// <summary>The first packet of a session.</summary>
    public static EncodedPacket Open(string sid, bool canUpgrade, EngineSettings settings)
    {
        string upgrades = canUpgrade ? "\"websocket\"" : "";
        return Text(string.Create(
            CultureInfo.InvariantCulture,
            $$"""0{"sid":"{{sid}}","upgrades":[{{upgrades}}],"pingInterval":{{(long)settings.PingInterval.TotalMilliseconds}},"pingTimeout":{{(long)settings.PingTimeout.TotalMilliseconds}},"maxPayload":{{settings.MaxPayload}}}"""));
    }

    private static EncodedPacket Text(string packet) => EncodedPacket.Create(Encoding.UTF8.GetBytes(packet), isBinary: false);
}
