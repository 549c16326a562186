using System.Net;
using System.Security.Claims;
using System.Threading.RateLimiting;
using WsServer.Diagnostics;

namespace WsServer.Limits;

/// <summary>Who may connect: so many at once for each address and user, and so many attempts a second for each address. Safe for concurrent use.</summary>
/// <remarks>The limiters keep one timer each for all addresses, and forget those that are not heard of any more.</remarks>
internal sealed class ConnectionLimiter : IDisposable
{
    private readonly AddressRules _rules;
    private readonly RefusalLog _log;
    private readonly EventMetrics _metrics;
    private readonly Lazy<PartitionedRateLimiter<ClientNetwork>>? _attempts;
    private readonly Lazy<PartitionedRateLimiter<ClientNetwork>>? _addresses;
    private readonly Lazy<PartitionedRateLimiter<string>>? _users;
    private readonly TimeSpan _retryAfter;

    public ConnectionLimiter(EventServerOptions options, TimeProvider time, RefusalLog log, EventMetrics metrics)
    {
        EventServerLimits limits = options.Limits;
        _rules = new AddressRules(limits);
        _log = log;
        _metrics = metrics;
        _retryAfter = options.ReconnectDelay;
        AddressMeters = RateLimit.From(RateScopes.Address, limits.PerAddress, time) is { } ofAddress ? new(ofAddress, time) : null;
        UserMeters = RateLimit.From(RateScopes.User, limits.PerUser, time) is { } ofUser ? new(ofUser, time) : null;

        // Made when first needed: a server with no client from elsewhere has no timers for it.
        _attempts = limits.ConnectionAttemptsPerSecond == 0 ? null : new(() => PartitionedRateLimiter.Create<ClientNetwork, ClientNetwork>(
            network => RateLimitPartition.GetTokenBucketLimiter(network, _ => Bucket(limits))));
        _addresses = AtOnce<ClientNetwork>(limits.MaxConnectionsPerAddress);
        _users = AtOnce<string>(limits.MaxConnectionsPerUser);
    }

    /// <summary>What addresses may send; null when that is not limited.</summary>
    public SharedMeters<ClientNetwork>? AddressMeters { get; }

    /// <summary>What users may send; null when that is not limited.</summary>
    public SharedMeters<string>? UserMeters { get; }

    /// <summary>Counts an attempt to connect.</summary>
    /// <param name="address">From where.</param>
    /// <param name="retryAfter">When it is refused: after how long to try again.</param>
    public bool TryAttempt(IPAddress? address, out TimeSpan retryAfter)
    {
        retryAfter = default;
        if (_attempts is null || _rules.Find(address) is not { } network)
        {
            return true;
        }

        using RateLimitLease lease = _attempts.Value.AttemptAcquire(network);
        if (lease.IsAcquired)
        {
            return true;
        }

        retryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan wait) && wait > _retryAfter ? wait : _retryAfter;
        _metrics.Refused("attempts");
        _log.TooManyAttempts(address!);
        return false;
    }

    /// <summary>Whether an attempt from there would be one too many; counts nothing.</summary>
    public bool IsSpent(IPAddress? address) =>
        _attempts is not null && _rules.Find(address) is { } network && _attempts.Value.GetStatistics(network) is { CurrentAvailablePermits: < 1 };

    /// <summary>Counts an attempt that somebody else has refused.</summary>
    public void NoteAttempt(IPAddress? address)
    {
        if (_attempts is not null && _rules.Find(address) is { } network)
        {
            _attempts.Value.AttemptAcquire(network).Dispose();
        }
    }

    /// <summary>Takes a place for a connection; null when its address or its user has as many as it may.</summary>
    public ClientPlace? TryEnter(IPAddress? address, ClaimsPrincipal? principal)
    {
        ClientNetwork? network = _rules.Find(address);

        // An identity that says nothing is shared by everybody who has it.
        string? user = principal is not null && UserIdentity.Of(principal) is { Length: > 0 } identity ? identity : null;
        if (network is null && user is null)
        {
            return ClientPlace.Unlimited;
        }

        RateLimitLease? ofAddress = network is null ? null : _addresses?.Value.AttemptAcquire(network.Value);
        if (ofAddress is { IsAcquired: false })
        {
            _metrics.Refused("address");
            _log.TooManyOfAddress(address!);
            return null;
        }

        RateLimitLease? ofUser = user is null ? null : _users?.Value.AttemptAcquire(user);
        if (ofUser is { IsAcquired: false })
        {
            ofAddress?.Dispose();
            _metrics.Refused("user");
            _log.TooManyOfUser(user!);
            return null;
        }

        return new ClientPlace(this, network, user, ofAddress, ofUser);
    }

    /// <summary>Forgets the rates that nobody uses any more.</summary>
    public void Tick()
    {
        AddressMeters?.Tick();
        UserMeters?.Tick();
    }

    public void Dispose()
    {
        Dispose(_attempts);
        Dispose(_addresses);
        Dispose(_users);

        static void Dispose<T>(Lazy<PartitionedRateLimiter<T>>? limiter)
        {
            if (limiter is { IsValueCreated: true })
            {
                limiter.Value.Dispose();
            }
        }
    }

    private static Lazy<PartitionedRateLimiter<TKey>>? AtOnce<TKey>(int limit)
        where TKey : notnull => limit == 0 ? null : new(() => PartitionedRateLimiter.Create<TKey, TKey>(
            key => RateLimitPartition.GetConcurrencyLimiter(key, _ => new ConcurrencyLimiterOptions { PermitLimit = limit })));

    private static TokenBucketRateLimiterOptions Bucket(EventServerLimits limits) => new()
    {
        TokenLimit = limits.ConnectionAttemptBurst,
        TokensPerPeriod = limits.ConnectionAttemptsPerSecond,
        ReplenishmentPeriod = TimeSpan.FromSeconds(1),
    };
}
