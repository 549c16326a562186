using System.Net;
using FluentAssertions;
using WsServer.Limits;
using Xunit;

namespace WsServer.Tests.Limits;

/// <summary>Which addresses are limited, and which count as one.</summary>
public class AddressRulesTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("::192.0.2.1", "192.0.2.1", false)]
    [InlineData("0.0.0.1", "::1:0:0:0:1", false)]
    public void Addresses_of_one_client_count_as_one(string one, string other, bool isSame)
    {
        var rules = new AddressRules(new EventServerLimits());
        (rules.Find(IPAddress.Parse(one)) == rules.Find(IPAddress.Parse(other))).Should().Be(isSame);
    }

    [Theory]
    [InlineData("127.0.0.1", false, false)]
    [InlineData("127.1.2.3", false, false)]
    [InlineData("::1", false, false)]
    [InlineData("::ffff:127.0.0.1", false, false)]
    [InlineData("127.0.0.1", true, true)]
    [InlineData("::1", true, true)]
    [InlineData("10.1.2.3", false, false)]
    [InlineData("10.1.3.3", false, true)]
    [InlineData("::ffff:10.1.2.3", false, false)]
    [InlineData("192.0.2.7", false, false)]
    [InlineData("192.0.2.8", false, true)]
    [InlineData("2001:db8:ffff::1", false, false)]
    [InlineData("2001:db9::1", false, true)]
    [InlineData(null, true, false)]
    public void Loopback_and_what_the_options_name_is_not_limited(string? address, bool limitsLoopback, bool isLimited)
    {
        var limits = new EventServerLimits { LimitLoopback = limitsLoopback, UnlimitedNetworks = { "10.1.2.0/24", "192.0.2.7", "2001:db8::/32" } };
        (new AddressRules(limits).Find(address is null ? null : IPAddress.Parse(address)) is not null).Should().Be(isLimited);
    }
}
