using System.Globalization;
using WsServer.Soak.Wire;

namespace WsServer.Soak.Actors;

/// <summary>One connection of a member, in <c>/chat</c>. One reader; sends may come from anywhere.</summary>
internal abstract class Link : IDisposable
{
    /// <summary>Emits an event that wants an ack.</summary>
    public abstract Task EmitAsync(string name, string json, long id, string? ns = null);

    /// <summary>What comes next; null when the connection has ended.</summary>
    public abstract Task<News?> NextAsync();

    /// <summary>Says goodbye; the connection then ends.</summary>
    public abstract Task LeaveAsync();

    /// <summary>Ends without a word.</summary>
    public abstract void Cut();

    public abstract void Dispose();
}

/// <summary>A connection of the event protocol.</summary>
internal sealed class NativeLink(WireClient wire) : Link
{
    public static async Task<NativeLink> OpenAsync(int port, string path) => new(await WireClient.OpenAsync(port, path));

    public Task SendAsync(string envelope) => wire.SendAsync(envelope);

    public override Task EmitAsync(string name, string json, long id, string? ns = null) => wire.SendAsync(string.Create(
        CultureInfo.InvariantCulture, $$"""{"event":"{{name}}","data":{{json}},"id":{{id}}{{(ns is null ? "" : $",\"ns\":\"{ns}\"")}}}"""));

    public override async Task<News?> NextAsync() => await wire.ReceiveAsync() is { IsEnd: false } message ? News.OfEnvelope(message) : null;

    public override Task LeaveAsync() => wire.SendCloseAsync();

    public override void Cut() => wire.Reset();

    public override void Dispose() => wire.Dispose();
}

/// <summary>A connection of Socket.IO over a WebSocket.</summary>
internal sealed class SocketIoLink(WireClient wire) : Link
{
    public static async Task<SocketIoLink> OpenAsync(int port)
    {
        WireClient wire = await WireClient.OpenAsync(port, "/socket.io/?EIO=4&transport=websocket");
        if (await wire.ExpectAsync("the opening of Engine.IO") is var open && (open.IsEnd || !open.Text.StartsWith("0{", StringComparison.Ordinal)))
        {
            throw new SoakException($"Engine.IO began with {open.Text}.");
        }

        await wire.SendAsync("40/chat,");
        return new SocketIoLink(wire);
    }

    public override Task EmitAsync(string name, string json, long id, string? ns = null) => wire.SendAsync(Encode(name, json, id));

    public override async Task<News?> NextAsync()
    {
        while (await wire.ReceiveAsync() is { IsEnd: false } message)
        {
            if (News.OfPacket(message.Text) is { Kind: not NewsKind.EnginePing } news)
            {
                return news;
            }

            await wire.SendAsync("3");
        }

        return null;
    }

    public override Task LeaveAsync() => wire.SendCloseAsync();

    public override void Cut() => wire.Reset();

    public override void Dispose() => wire.Dispose();

    internal static string Encode(string name, string json, long id) =>
        string.Create(CultureInfo.InvariantCulture, $"42/chat,{id}[\"{name}\",{json}]");
}
