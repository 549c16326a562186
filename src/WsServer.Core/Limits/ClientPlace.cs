using System.Threading.RateLimiting;

namespace WsServer.Limits;

/// <summary>
/// A place among the connections of an address and of a user, and what these may send. Disposing gives it back, once.
/// </summary>
public sealed class ClientPlace : IDisposable
{
    private readonly ConnectionLimiter? _limiter;
    private readonly RateLimitLease? _ofAddress;
    private readonly RateLimitLease? _ofUser;
    private readonly ClientNetwork _network;
    private readonly string? _user;
    private int _isGone;

    internal ClientPlace(ConnectionLimiter? limiter = null, ClientNetwork? network = null, string? user = null, RateLimitLease? ofAddress = null, RateLimitLease? ofUser = null)
    {
        _limiter = limiter;
        _ofAddress = ofAddress;
        _ofUser = ofUser;
        _network = network.GetValueOrDefault();
        _user = user;
        AddressMeter = network is { } n ? limiter?.AddressMeters?.Rent(n) : null;
        UserMeter = user is null ? null : limiter?.UserMeters?.Rent(user);
    }

    /// <summary>That of a client who is limited neither by address nor by user.</summary>
    internal static ClientPlace Unlimited { get; } = new();

    /// <summary>What its address may send; null when that is not limited.</summary>
    internal SharedMeter? AddressMeter { get; }

    /// <summary>What its user may send; null when that is not limited.</summary>
    internal SharedMeter? UserMeter { get; }

    /// <inheritdoc />
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isGone, 1) != 0)
        {
            return;
        }

        _ofAddress?.Dispose();
        _ofUser?.Dispose();
        if (AddressMeter is not null)
        {
            _limiter!.AddressMeters!.Return(_network, AddressMeter);
        }

        if (UserMeter is not null)
        {
            _limiter!.UserMeters!.Return(_user!, UserMeter);
        }
    }
}
