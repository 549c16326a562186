using System.Globalization;
using WsServer.Connections;
using WsServer.Wire;

namespace WsServer.Limits;

/// <summary>
/// Stands before everything that looks into a message: what is over the rate of the connection, its user or its address is
/// dropped unread. A part of the connection, for its reading thread alone.
/// </summary>
/// <param name="place">The connection's, with what its user and address may send.</param>
internal struct RateGuard(ConnectionPlace place)
{
    private RateMeter _meter;
    private RateExcess? _excess;

    /// <summary>Whether a message may be taken. If not, all that is to be done about it is done.</summary>
    /// <param name="settings">What all connections have in common.</param>
    /// <param name="outbox">To tell the client.</param>
    /// <param name="now">When the message came.</param>
    /// <param name="bytes">How long it is.</param>
    public bool TryTake(RateSettings settings, Outbox outbox, long now, int bytes)
    {
        if (settings.PerConnection is { } limit && !_meter.TryTake(limit, now, bytes))
        {
            Refuse(limit, _meter.TicksToFull(now), settings, outbox, now, bytes);
            return false;
        }

        return (place.UserMeter is not { } ofUser || TryTake(ofUser, settings, outbox, now, bytes))
            && (place.AddressMeter is not { } ofAddress || TryTake(ofAddress, settings, outbox, now, bytes));
    }

    private bool TryTake(SharedMeter meter, RateSettings settings, Outbox outbox, long now, int bytes)
    {
        if (meter.TryTake(now, bytes))
        {
            return true;
        }

        Refuse(meter.Limit, meter.TicksToFull(now), settings, outbox, now, bytes);
        return false;
    }

    private void Refuse(RateLimit over, long ticksToFull, RateSettings settings, Outbox outbox, long now, int bytes)
    {
        settings.Metrics.RateLimited(over.Scope);
        RateVerdict verdict = (_excess ??= new RateExcess()).Add(over, settings.Time, now, bytes);
        if (verdict == RateVerdict.Dropped)
        {
            return;
        }

        // Until a whole burst may be sent again: with less, a client that waits would be told again at once.
        long wait = Math.Max(1, (long)Math.Ceiling(settings.Time.GetElapsedTime(0, ticksToFull).TotalMilliseconds));
        string whose = over.Scope switch { RateScope.User => "This user", RateScope.Address => "This address", _ => "This connection" };
        var error = new EventError(
            ErrorCodes.RateLimited, string.Create(CultureInfo.InvariantCulture, $"{whose} sends too much; what is over the rate is dropped."), new() { ["retryAfterMs"] = wait });
        var answer = new Packet(PacketKind.Error) { Error = error };

        // Where the protocol has no way to tell, the client cannot know what is lost: it may not go on as if nothing were.
        if (verdict == RateVerdict.Ended || outbox.Codec.IsFatal(answer))
        {
            settings.Log.RateLimited(over.Scope);
            outbox.Complete(new Closing(DisconnectReason.RateLimited, 1008, error));
            return;
        }

        outbox.PostError(answer);
    }
}
