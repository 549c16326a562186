using WsServer.SoakServer;

namespace WsServer.LoadServer;

/// <summary>What the server holds, counted: what must be nothing when nobody is there.</summary>
internal static class CountsEndpoints
{
    /// <summary><c>GET /counts</c> tells it; <c>POST /buffers</c> begins to count rented buffers.</summary>
    public static void MapCounts(this IEndpointRouteBuilder app, EventServer io, ErrorCounter errors, RentedBuffers buffers)
    {
        app.MapGet("/counts", () =>
        {
            EventNamespace[] namespaces = [.. io.Namespaces];
            return new Counts(
                io.ConnectionCount,
                namespaces.Sum(n => n.SocketCount),
                namespaces.Sum(n => n.Rooms.Count()),
                namespaces.Sum(CountPendingAcks),
                io.Runtime.Recovery.CutOff.Count,
                Timer.ActiveCount,
                buffers.Rents,
                buffers.Out,
                errors.Count,
                errors.Last);
        });
        app.MapPost("/buffers", buffers.Start);
    }

    private static int CountPendingAcks(EventNamespace ns)
    {
        int count = 0;
        ns.Index.Visit([], [], 0, (socket, _) => Interlocked.Add(ref count, socket.Life.Acks.Count));
        return count;
    }

    /// <summary>How many there are.</summary>
    private sealed record Counts(
        int Connections, int Sockets, int Rooms, int PendingAcks, int CutOff, long Timers, long Rents, long RentedBuffers, int Errors, string? LastError);
}
