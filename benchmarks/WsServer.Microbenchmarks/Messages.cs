using System.Text;
using WsServer.Connections;

namespace WsServer.Microbenchmarks;

/// <summary>What the clients send.</summary>
internal static class Messages
{
    /// <summary>The data of most events, as JSON: a string of a hundred characters.</summary>
    public static readonly string Data = '"' + new string('x', 100) + '"';

    /// <summary>A message of this text.</summary>
    public static TransportMessage Text(string text) => new(TransportMessageKind.Text, Encoding.UTF8.GetBytes(text));

    /// <summary>An event that wants no ack.</summary>
    public static TransportMessage Event(string name, string data) => Text($$"""{"event":"{{name}}","data":{{data}}}""");

    /// <summary>An event that wants an ack.</summary>
    public static TransportMessage Event(string name, string data, int id) => Text($$"""{"event":"{{name}}","data":{{data}},"id":{{id}}}""");
}
