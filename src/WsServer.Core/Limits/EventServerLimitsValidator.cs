using System.Net;

namespace WsServer.Limits;

/// <summary>Checks the limits among the options.</summary>
internal static class EventServerLimitsValidator
{
    private const string Section = "Events:Limits";

    /// <summary>Says what is wrong with each.</summary>
    public static IEnumerable<string> FindErrors(EventServerOptions options)
    {
        EventServerLimits limits = options.Limits;

        // If that one is wrong, it is said elsewhere.
        int longest = options.MaxMessageBytes > Array.MaxLength / 2 ? 1 : options.MaxMessageBytes;
        return
        [
            .. NotNegative(nameof(limits.MaxConnectionsPerAddress), limits.MaxConnectionsPerAddress),
            .. NotNegative(nameof(limits.MaxConnectionsPerUser), limits.MaxConnectionsPerUser),
            .. NotNegative(nameof(limits.ConnectionAttemptsPerSecond), limits.ConnectionAttemptsPerSecond),
            .. AtLeast(nameof(limits.ConnectionAttemptBurst), limits.ConnectionAttemptBurst, 1),
            .. Rate(nameof(limits.PerConnection), limits.PerConnection, longest),
            .. Rate(nameof(limits.PerUser), limits.PerUser, longest),
            .. Rate(nameof(limits.PerAddress), limits.PerAddress, longest),
            .. limits.UnlimitedNetworks.Where(n => !AddressRules.TryParse(n, out IPNetwork _)).Select(n =>
                $"{Section}:{nameof(limits.UnlimitedNetworks)} has '{n}'; a network is like 10.1.2.0/24 or 2001:db8::/32, or a single address."),
        ];
    }

    private static IEnumerable<string> Rate(string name, ReceiveRate rate, int maxMessageBytes) =>
    [
        .. NotNegative($"{name}:{nameof(rate.MessagesPerSecond)}", rate.MessagesPerSecond),
        .. rate.MessagesPerSecond > 0 ? AtLeast($"{name}:{nameof(rate.MessageBurst)}", rate.MessageBurst, 1) : [],
        .. NotNegative($"{name}:{nameof(rate.BytesPerSecond)}", rate.BytesPerSecond),
        .. rate.BytesPerSecond > 0 ? AtLeast($"{name}:{nameof(rate.ByteBurst)}", rate.ByteBurst, maxMessageBytes) : [],
    ];

    private static IEnumerable<string> NotNegative(string option, long value) => AtLeast(option, value, 0);

    private static IEnumerable<string> AtLeast(string option, long value, long least) =>
        value < least ? [$"{Section}:{option} is {value}; it must be at least {least}."] : [];
}
