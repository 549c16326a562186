using System.Text.Json;

namespace WsServer.Wire;

/// <summary>The members of an envelope that mean something.</summary>
[Flags]
internal enum Member
{
    None = 0,
    Event = 1,
    Ack = 1 << 1,
    Connect = 1 << 2,
    Disconnect = 1 << 3,
    Ping = 1 << 4,
    Pong = 1 << 5,
    Connected = 1 << 6,
    ConnectError = 1 << 7,
    Error = 1 << 8,
    Data = 1 << 9,
    Args = 1 << 10,
    Id = 1 << 11,
    Namespace = 1 << 12,
    Auth = 1 << 13,
    Bin = 1 << 14,
    Session = 1 << 15,
    Seq = 1 << 16,

    /// <summary>Those that say what the envelope is.</summary>
    Verbs = Event | Ack | Connect | Disconnect | Ping | Pong | Connected | ConnectError | Error,
}

/// <summary>The names of the members.</summary>
internal static class EnvelopeMembers
{
    /// <summary>The member whose name the reader stands on; none, when it is unknown.</summary>
    public static Member Of(ref readonly Utf8JsonReader reader)
    {
        // Nearly every message is an event with data, so these are asked for first.
        if (reader.ValueTextEquals("event"u8)) { return Member.Event; }
        if (reader.ValueTextEquals("data"u8)) { return Member.Data; }
        if (reader.ValueTextEquals("id"u8)) { return Member.Id; }
        if (reader.ValueTextEquals("ns"u8)) { return Member.Namespace; }
        if (reader.ValueTextEquals("ack"u8)) { return Member.Ack; }
        if (reader.ValueTextEquals("args"u8)) { return Member.Args; }
        if (reader.ValueTextEquals("bin"u8)) { return Member.Bin; }
        if (reader.ValueTextEquals("error"u8)) { return Member.Error; }
        if (reader.ValueTextEquals("connect"u8)) { return Member.Connect; }
        if (reader.ValueTextEquals("auth"u8)) { return Member.Auth; }
        if (reader.ValueTextEquals("session"u8)) { return Member.Session; }
        if (reader.ValueTextEquals("seq"u8)) { return Member.Seq; }
        if (reader.ValueTextEquals("disconnect"u8)) { return Member.Disconnect; }
        if (reader.ValueTextEquals("ping"u8)) { return Member.Ping; }
        if (reader.ValueTextEquals("pong"u8)) { return Member.Pong; }
        if (reader.ValueTextEquals("connected"u8)) { return Member.Connected; }
        return reader.ValueTextEquals("connect_error"u8) ? Member.ConnectError : Member.None;
    }

    /// <summary>The name as it is written.</summary>
    public static string Name(this Member member) => member switch
    {
        Member.Namespace => "ns",
        Member.ConnectError => "connect_error",
        _ => member.ToString().ToLowerInvariant(),
    };
}
