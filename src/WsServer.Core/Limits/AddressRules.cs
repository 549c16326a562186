using System.Net;

namespace WsServer.Limits;

/// <summary>Which addresses are limited.</summary>
internal sealed class AddressRules(EventServerLimits limits)
{
    private readonly bool _limitsLoopback = limits.LimitLoopback;
    private readonly IPNetwork[] _unlimited = [.. limits.UnlimitedNetworks.Select(n => TryParse(n, out IPNetwork network) ? network : default)];

    /// <summary>The network that is limited for a client of this address; null when none is, or the address is not known.</summary>
    public ClientNetwork? Find(IPAddress? address)
    {
        if (address is null || (!_limitsLoopback && IPAddress.IsLoopback(address)))
        {
            return null;
        }

        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Array.Exists(_unlimited, network => network.Contains(plain)) ? null : ClientNetwork.Of(plain);
    }

    /// <summary>Reads a network, or an address as the network of it alone.</summary>
    public static bool TryParse(string? text, out IPNetwork network)
    {
        if (IPNetwork.TryParse(text, out network))
        {
            return true;
        }

        bool isAddress = IPAddress.TryParse(text, out IPAddress? address);
        network = isAddress ? new IPNetwork(address!, address!.GetAddressBytes().Length * 8) : default;
        return isAddress;
    }
}
