using System.Net;
using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;

namespace WsServer.Limits;

/// <summary>
/// Logs who is refused, one line a second of each kind at most: a flood of refusals must not become a flood of lines. The
/// next line says how many were left out. Safe for concurrent use.
/// </summary>
internal sealed class RefusalLog(ILogger logger, TimeProvider time)
{
    private readonly LogGate _origins = new(time);
    private readonly LogGate _full = new(time);
    private readonly LogGate _attempts = new(time);
    private readonly LogGate _addresses = new(time);
    private readonly LogGate _users = new(time);
    private readonly LogGate _rates = new(time);
    private readonly LogGate _rooms = new(time);

    public void OriginRefused(string origin)
    {
        if (_origins.TryPass(out int skipped))
        {
            logger.OriginRefused(origin, skipped);
        }
    }

    public void TooManyConnections(int count)
    {
        if (_full.TryPass(out int skipped))
        {
            logger.TooManyConnections(count, skipped);
        }
    }

    public void TooManyAttempts(IPAddress address)
    {
        if (_attempts.TryPass(out int skipped))
        {
            logger.TooManyAttempts(address, skipped);
        }
    }

    public void TooManyOfAddress(IPAddress address)
    {
        if (_addresses.TryPass(out int skipped))
        {
            logger.TooManyOfAddress(address, skipped);
        }
    }

    public void TooManyOfUser(string user)
    {
        if (_users.TryPass(out int skipped))
        {
            logger.TooManyOfUser(user, skipped);
        }
    }

    public void RateLimited(string scope)
    {
        if (_rates.TryPass(out int skipped))
        {
            logger.RateLimited(scope, skipped);
        }
    }

    public void TooManyRooms(string sid, int limit)
    {
        if (_rooms.TryPass(out int skipped))
        {
            logger.TooManyRooms(sid, limit, skipped);
        }
    }
}
