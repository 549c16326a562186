using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using WsServer.Recovery;

namespace WsServer.Cluster;

/// <summary>A socket as other nodes are told of it. Cookies and credentials stay where they came.</summary>
internal sealed record SocketDescription(
    string Id,
    string Namespace,
    string[] Rooms,
    string? Address,
    DateTimeOffset Time,
    bool IsSecure,
    Dictionary<string, string?[]> Headers,
    Dictionary<string, string?[]> Query,
    byte[]? User,
    Dictionary<string, JsonElement> Items)
{
    private static readonly string[] Secrets = ["Authorization", "Proxy-Authorization", "Cookie", "Sec-WebSocket-Protocol"];

    public static SocketDescription Of(EventSocket socket)
    {
        Handshake handshake = socket.Handshake;
        return new SocketDescription(
            socket.Id,
            socket.Namespace.Name,
            [.. socket.Rooms],
            handshake.Address?.ToString(),
            handshake.Time,
            handshake.IsSecure,
            ToDictionary(handshake.Headers.Where(h => !Secrets.Contains(h.Key, StringComparer.OrdinalIgnoreCase))),
            ToDictionary(handshake.Query),
            handshake.FoundUser is { } user && UserIdentity.IsSignedIn(user) ? KeptItems.Save(user) : null,
            KeptItems.Save(socket.KeptState.Items));
    }

    public RemoteSocket ToSocket(EventNamespace ns)
    {
        var handshake = new Handshake
        {
            Headers = new HeaderDictionary(Headers.ToDictionary(h => h.Key, h => new StringValues(h.Value), StringComparer.OrdinalIgnoreCase)),
            Query = new QueryCollection(Query.ToDictionary(q => q.Key, q => new StringValues(q.Value), StringComparer.OrdinalIgnoreCase)),
            Address = IPAddress.TryParse(Address, out IPAddress? address) ? address : null,
            Time = Time,
            IsSecure = IsSecure,
        };
        if (User is { Length: > 0 } bytes && KeptItems.Restore(bytes) is { } user)
        {
            handshake = handshake with { User = user };
        }

        return new RemoteSocket(ns, Id, handshake, KeptItems.Restore(Items) ?? new ConcurrentDictionary<object, object?>(), Rooms);
    }

    private static Dictionary<string, string?[]> ToDictionary(IEnumerable<KeyValuePair<string, StringValues>> values) =>
        values.ToDictionary(v => v.Key, v => v.Value.ToArray(), StringComparer.OrdinalIgnoreCase);
}

[JsonSerializable(typeof(List<SocketDescription>))]
internal sealed partial class SocketDescriptionContext : JsonSerializerContext;
