using System.Net;
using System.Security.Claims;
using FluentAssertions;
using WsServer.Tests.Limits;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>How many connections an address and a user may have, and how often an address may try.</summary>
public class ConnectionLimitTests
{
    [Fact]
    public async Task An_address_has_as_many_connections_as_it_may_and_one_more_is_answered_429()
    {
        await using EventServerHost host = await LimitedHost.StartAsync(l => l.MaxConnectionsPerAddress = 2);
        await using EventClient first = await LimitedHost.ConnectAsync(host, LimitedHost.Address);
        await using EventClient second = await LimitedHost.ConnectAsync(host, LimitedHost.Address);

        using RawWebSocket third = await LimitedHost.RequestAsync(host, LimitedHost.Address);
        await using EventClient other = await LimitedHost.ConnectAsync(host, LimitedHost.OtherAddress);

        third.Status.Should().Be(429);
        third.Headers["retry-after"].Should().Be("1");
        host.Log.Entries.Should().Contain(e => e.Message.Contains("MaxConnectionsPerAddress") && e.Message.Contains(LimitedHost.Address));
        await first.CloseAsync();
        await UntilLetInAsync(host, LimitedHost.Address);
    }

    [Fact]
    public async Task Addresses_of_one_IPv6_network_count_as_one()
    {
        await using EventServerHost host = await LimitedHost.StartAsync(l => l.MaxConnectionsPerAddress = 1);
        await using EventClient first = await LimitedHost.ConnectAsync(host, "2001:db8:0:1::1");

        using RawWebSocket same = await LimitedHost.RequestAsync(host, "2001:db8:0:1:a:b:c:d");
        using RawWebSocket other = await LimitedHost.RequestAsync(host, "2001:db8:0:2::1");

        (same.Status, other.Status).Should().Be((429, 101));
    }

    [Theory]
    [InlineData(false, 101)]
    [InlineData(true, 429)]
    public async Task A_proxy_on_the_same_machine_that_forwards_no_address_is_not_limited_unless_it_is_asked_for(bool limitsLoopback, int status)
    {
        await using EventServerHost host = await LimitedHost.StartAsync(l =>
        {
            l.MaxConnectionsPerAddress = 1;
            l.LimitLoopback = limitsLoopback;
        });
        await using EventClient first = await LimitedHost.ConnectAsync(host);

        using RawWebSocket second = await LimitedHost.RequestAsync(host);

        second.Status.Should().Be(status);
    }

    [Fact]
    public async Task A_user_has_as_many_connections_as_it_may_wherever_it_comes_from()
    {
        await using EventServerHost host = await LimitedHost.StartAsync(l => l.MaxConnectionsPerUser = 2);
        await using EventClient first = await LimitedHost.ConnectAsync(host, LimitedHost.Address, "ada");
        await using EventClient second = await LimitedHost.ConnectAsync(host, LimitedHost.OtherAddress, "ada");

        using RawWebSocket third = await LimitedHost.RequestAsync(host, user: "ada");
        using RawWebSocket other = await LimitedHost.RequestAsync(host, LimitedHost.Address, "bob");
        using RawWebSocket anonymous = await LimitedHost.RequestAsync(host, LimitedHost.Address);

        (third.Status, other.Status, anonymous.Status).Should().Be((429, 101, 101));
        await second.CloseAsync();
        await UntilLetInAsync(host, user: "ada");
    }

    [Fact]
    public async Task One_that_is_refused_for_its_user_takes_no_place_of_its_address()
    {
        await using EventServerHost host = await LimitedHost.StartAsync(l => (l.MaxConnectionsPerUser, l.MaxConnectionsPerAddress) = (1, 2));
        await using EventClient first = await LimitedHost.ConnectAsync(host, LimitedHost.Address, "ada");
        using RawWebSocket second = await LimitedHost.RequestAsync(host, LimitedHost.Address, "ada");

        using RawWebSocket other = await LimitedHost.RequestAsync(host, LimitedHost.Address, "bob");

        (second.Status, other.Status).Should().Be((429, 101));
    }

    [Fact]
    public async Task A_refusal_for_other_reasons_takes_no_place()
    {
        await using EventServerHost host = await LimitedHost.StartAsync(l => l.MaxConnectionsPerAddress = 1, options: o => o.MaxConnections = 1);
        await using EventClient first = await LimitedHost.ConnectAsync(host, LimitedHost.OtherAddress);
        using (RawWebSocket full = await LimitedHost.RequestAsync(host, LimitedHost.Address))
        {
            full.Status.Should().Be(503);
        }

        await first.CloseAsync();
        await UntilLetInAsync(host, LimitedHost.Address);
    }

    [Fact]
    public async Task Attempts_are_counted_also_when_they_fail_and_one_too_many_is_answered_429()
    {
        await using EventServerHost host = await LimitedHost.StartAsync(l => (l.ConnectionAttemptBurst, l.ConnectionAttemptsPerSecond) = (3, 1));
        using RawWebSocket nowhere = await LimitedHost.RequestAsync(host, LimitedHost.Address, path: "/nowhere");
        using RawWebSocket wrongOrigin = await RawWebSocket.RequestAsync(host, "/", null, $"X-Forwarded-For: {LimitedHost.Address}", "Origin: https://evil.example");
        using RawWebSocket wrongVersion = await RawWebSocket.RequestAsync(host, "/", null, $"X-Forwarded-For: {LimitedHost.Address}", "Sec-WebSocket-Version: 8");

        using RawWebSocket tooMany = await LimitedHost.RequestAsync(host, LimitedHost.Address);
        using RawWebSocket other = await LimitedHost.RequestAsync(host, LimitedHost.OtherAddress);

        (nowhere.Status, wrongOrigin.Status, wrongVersion.Status).Should().Be((404, 403, 400));
        (tooMany.Status, other.Status).Should().Be((429, 101));
        int.Parse(tooMany.Headers["retry-after"], System.Globalization.CultureInfo.InvariantCulture).Should().BeGreaterThanOrEqualTo(1);
        await UntilLetInAsync(host, LimitedHost.Address);
    }

    [Fact]
    public async Task A_storm_of_attempts_is_refused_and_is_a_few_lines_in_the_log()
    {
        var time = new ManualTime();
        await using EventServerHost host = await LimitedHost.StartAsync(l => (l.ConnectionAttemptBurst, l.ConnectionAttemptsPerSecond) = (1, 1), time: time);
        int refused = 0;
        for (int i = 0; i < 50; i++)
        {
            using RawWebSocket raw = await LimitedHost.RequestAsync(host, LimitedHost.Address, path: "/nowhere");
            refused += raw.Status == 429 ? 1 : 0;
        }

        refused.Should().BeGreaterThan(10);
        host.Log.Entries.Count(e => e.Message.Contains("ConnectionAttemptsPerSecond")).Should().Be(1);
        await using EventClient bystander = await LimitedHost.ConnectAsync(host, LimitedHost.OtherAddress);
    }

    [Fact]
    public async Task A_client_over_another_transport_is_limited_by_the_address_and_the_user_of_its_handshake()
    {
        await using var server = new InMemoryServer(o => o.Limits.MaxConnectionsPerAddress = 1);
        var handshake = new Handshake { Address = IPAddress.Parse(LimitedHost.Address) };
        var first = new TransportPair();
        first.Running = server.Io.RunAsync(first, handshake);
        await first.ReceiveTextAsync();

        var second = new TransportPair();
        second.Running = server.Io.RunAsync(second, handshake);

        (await second.Goodbye).Status.Should().Be(1013);
        await second.Running.WaitAsync(TransportPair.Patience);
        await InMemoryServer.EndAsync(first);
        var third = new TransportPair();
        third.Running = server.Io.RunAsync(third, handshake);
        (await third.ReceiveTextAsync()).Should().StartWith("{\"connected\"");
        await InMemoryServer.EndAsync(third);
    }

    [Theory]
    [InlineData(ClaimTypes.NameIdentifier, "ada", true)]
    [InlineData("sub", "ada", true)]
    [InlineData(ClaimTypes.Name, "ada", true)]
    [InlineData("sub", "", false)]
    public async Task A_user_is_known_by_any_claim_that_says_who_it_is_and_one_without_is_nobody(string claim, string value, bool isLimited)
    {
        await using var server = new InMemoryServer(o => o.Limits.MaxConnectionsPerUser = 1);
        var handshake = new Handshake { User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(claim, value)], "test")) };
        var first = new TransportPair();
        first.Running = server.Io.RunAsync(first, handshake);
        await first.ReceiveTextAsync();

        var second = new TransportPair();
        second.Running = server.Io.RunAsync(second, handshake);

        if (isLimited)
        {
            (await second.Goodbye).Status.Should().Be(1013);
            await second.Running.WaitAsync(TransportPair.Patience);
        }
        else
        {
            (await second.ReceiveTextAsync()).Should().StartWith("{\"connected\"");
            await InMemoryServer.EndAsync(second);
        }

        await InMemoryServer.EndAsync(first);
    }

    private static async Task UntilLetInAsync(EventServerHost host, string? address = null, string? user = null)
    {
        using var timeout = new CancellationTokenSource(Within.Reason);
        int status = 0;
        while (status != 101 && !timeout.IsCancellationRequested)
        {
            using RawWebSocket raw = await LimitedHost.RequestAsync(host, address, user);
            status = raw.Status;
        }

        status.Should().Be(101, "there is room again");
    }
}
