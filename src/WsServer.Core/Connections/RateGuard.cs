using System.Globalization;
using WsServer.Limits;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// Stands before everything that looks into a message: what is over the rate of the connection, its user or its address is
/// dropped unread. A part of the connection, for its reading thread alone.
/// </summary>
/// <param name="place">The connection's, with what its user and address may send.</param>
internal struct RateGuard(ClientPlace place)
{
    private RateMeter _meter;
    private RateExcess? _excess;

    /// <summary>Whether a message may be taken. If not, all that is to be done about it is done.</summary>
    /// <param name="settings">What all connections have in common.</param>
    /// <param name="outbox">To tell the client.</param>
    /// <param name="arrived">When the message came, as far as that is known without asking the clock.</param>
    /// <param name="bytes">How long it is.</param>
    public bool TryTake(RateSettings settings, Outbox outbox, long arrived, int bytes)
    {
        if (FindOver(settings, arrived, bytes, out _) is null)
        {
            return true;
        }

        // Only now: asking for every message would cost more than all the rest.
        long now = settings.Time.GetTimestamp();
        if (FindOver(settings, now, bytes, out long ticksToFull) is not { } over)
        {
            return true;
        }

        Refuse(over, ticksToFull, settings, outbox, now, bytes);
        return false;
    }

    /// <summary>Takes a message out of all buckets, or out of none; returns the first that it is not in.</summary>
    private RateLimit? FindOver(RateSettings settings, long now, int bytes, out long ticksToFull)
    {
        RateLimit? own = settings.PerConnection;
        if (own is not null && !_meter.Has(own, now, bytes))
        {
            ticksToFull = _meter.TicksToFull(now);
            return own;
        }

        if (place.UserMeter is { } ofUser && !ofUser.TryTake(now, bytes))
        {
            ticksToFull = ofUser.TicksToFull(now);
            return ofUser.Limit;
        }

        if (place.AddressMeter is { } ofAddress && !ofAddress.TryTake(now, bytes))
        {
            place.UserMeter?.GiveBack(bytes);
            ticksToFull = ofAddress.TicksToFull(now);
            return ofAddress.Limit;
        }

        if (own is not null)
        {
            _meter.Take(own, now, bytes);
        }

        ticksToFull = 0;
        return null;
    }

    private void Refuse(RateLimit over, long ticksToFull, RateSettings settings, Outbox outbox, long now, int bytes)
    {
        settings.Metrics.RateLimited(over.Scope);
        RateVerdict verdict = (_excess ??= new RateExcess()).Add(over, settings.PerConnection, settings.Time, now, bytes);
        if (verdict == RateVerdict.Dropped)
        {
            return;
        }

        // Until a whole burst may be sent again: with less, a client that waits would be told again at once.
        long wait = Math.Max(1, (long)Math.Ceiling(settings.Time.GetElapsedTime(0, ticksToFull).TotalMilliseconds));
        var error = new EventError(
            ErrorCodes.RateLimited, string.Create(CultureInfo.InvariantCulture, $"This {over.Scope} sends too much; what is over the rate is dropped."), new() { ["retryAfterMs"] = wait });
        var answer = new Packet(PacketKind.Error) { Error = error };

        // Where the protocol has no way to tell, the client cannot know what is lost: it may not go on as if nothing were,
        // unless it is others who send too much.
        if (verdict == RateVerdict.Ended || (over.Scope == RateScopes.Connection && outbox.Codec.IsFatal(answer)))
        {
            settings.Log.RateLimited(over.Scope);
            outbox.Complete(new Closing(DisconnectReason.RateLimited, 1008, error));
            return;
        }

        outbox.PostError(answer);
    }
}
