using System.Buffers.Binary;
using System.Text.Json;

namespace WsServer.Tests.Support;

/// <summary>One frame as it came.</summary>
/// <param name="Opcode">The lower four bits of the first byte.</param>
/// <param name="IsFinal">The FIN bit.</param>
/// <param name="Payload">The payload, as it stood there.</param>
/// <param name="Reserved">The three reserved bits, as the bits 0x70 of the first byte.</param>
internal sealed record RawFrame(int Opcode, bool IsFinal, byte[] Payload, int Reserved = 0)
{
    public const int Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10;

    public JsonElement Json => JsonElement.Parse(Payload);

    public int CloseStatus => BinaryPrimitives.ReadUInt16BigEndian(Payload);
}
