using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace WsServer.Limits;

/// <summary>Whom an address stands for: one IPv4 address, or the /64 of an IPv6 address, all of which one client can have.</summary>
/// <param name="Prefix">The IPv4 address, or the first half of the IPv6 address.</param>
/// <param name="IsV4">Which it is.</param>
internal readonly record struct ClientNetwork(ulong Prefix, bool IsV4)
{
    public static ClientNetwork Of(IPAddress address)
    {
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        Span<byte> bytes = stackalloc byte[16];
        plain.TryWriteBytes(bytes, out _);
        return plain.AddressFamily == AddressFamily.InterNetwork
            ? new(BinaryPrimitives.ReadUInt32BigEndian(bytes), IsV4: true)
            : new(BinaryPrimitives.ReadUInt64BigEndian(bytes), IsV4: false);
    }
}
