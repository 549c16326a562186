using FluentAssertions;
using Microsoft.Extensions.Options;
using Xunit;

namespace WsServer.Tests.Limits;

/// <summary>The limits among the options.</summary>
public class EventServerLimitsTests
{
    public static TheoryData<string, Action<EventServerOptions>, string> Wrong => new()
    {
        { "MaxConnectionsPerAddress", o => o.Limits.MaxConnectionsPerAddress = -1, "at least 0" },
        { "MaxConnectionsPerUser", o => o.Limits.MaxConnectionsPerUser = -1, "at least 0" },
        { "ConnectionAttemptsPerSecond", o => o.Limits.ConnectionAttemptsPerSecond = -1, "at least 0" },
        { "ConnectionAttemptBurst", o => o.Limits.ConnectionAttemptBurst = 0, "at least 1" },
        { "PerConnection:MessagesPerSecond", o => o.Limits.PerConnection.MessagesPerSecond = -1, "at least 0" },
        { "PerConnection:MessageBurst", o => o.Limits.PerConnection.MessageBurst = 0, "at least 1" },
        { "PerUser:BytesPerSecond", o => o.Limits.PerUser.BytesPerSecond = -1, "at least 0" },
        { "PerAddress:ByteBurst", o => o.Limits.PerAddress.ByteBurst = (1024 * 1024) - 1, "at least 1048576" },
        { "UnlimitedNetworks", o => o.Limits.UnlimitedNetworks.Add("10.0.0.0/33"), "'10.0.0.0/33'" },
        { "UnlimitedNetworks", o => o.Limits.UnlimitedNetworks.Add("localhost"), "'localhost'" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_limit_is_named_with_its_bound(string name, Action<EventServerOptions> set, string bound)
    {
        var options = new EventServerOptions();
        set(options);
        new EventServerOptionsValidator().Validate(null, options).Failures.Should().ContainSingle()
            .Which.Should().StartWith($"Events:Limits:{name} ").And.Contain(bound);
    }

    [Fact]
    public void Zero_switches_off_and_the_burst_of_what_is_off_may_be_anything()
    {
        var options = new EventServerOptions();
        EventServerLimits limits = options.Limits;
        (limits.MaxConnectionsPerAddress, limits.MaxConnectionsPerUser, limits.ConnectionAttemptsPerSecond) = (0, 0, 0);
        foreach (ReceiveRate rate in new[] { limits.PerConnection, limits.PerUser, limits.PerAddress })
        {
            (rate.MessagesPerSecond, rate.MessageBurst, rate.BytesPerSecond, rate.ByteBurst) = (0, 0, 0, 0);
        }

        new EventServerOptionsValidator().Validate(null, options).Should().Be(ValidateOptionsResult.Success);
    }

    [Fact]
    public void The_defaults_are_those_documented()
    {
        new EventServerLimits().Should().BeEquivalentTo(new
        {
            MaxConnectionsPerAddress = 1_000,
            MaxConnectionsPerUser = 100,
            ConnectionAttemptsPerSecond = 50,
            ConnectionAttemptBurst = 1_000,
            PerConnection = new { MessagesPerSecond = 2_000, MessageBurst = 10_000, BytesPerSecond = 16L << 20, ByteBurst = 64L << 20 },
            PerUser = new { MessagesPerSecond = 10_000, MessageBurst = 50_000, BytesPerSecond = 64L << 20, ByteBurst = 256L << 20 },
            PerAddress = new { MessagesPerSecond = 40_000, MessageBurst = 200_000, BytesPerSecond = 64L << 20, ByteBurst = 256L << 20 },
            LimitLoopback = false,
            UnlimitedNetworks = Array.Empty<string>(),
        });
    }

    [Fact]
    public void Limits_come_from_the_configuration()
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Events:Limits:MaxConnectionsPerAddress"] = "7",
            ["Events:Limits:PerUser:MessagesPerSecond"] = "8",
            ["Events:Limits:LimitLoopback"] = "true",
            ["Events:Limits:UnlimitedNetworks:0"] = "10.0.0.0/8",
            ["Events:MaxRoomsPerSocket"] = "9",
        }).Build();
        using ServiceProvider services = new ServiceCollection().AddSingleton(configuration).AddLogging().AddEvents().BuildServiceProvider();
        EventServerOptions options = services.GetRequiredService<IOptions<EventServerOptions>>().Value;

        options.Limits.MaxConnectionsPerAddress.Should().Be(7);
        options.Limits.PerUser.MessagesPerSecond.Should().Be(8);
        options.Limits.PerUser.MessageBurst.Should().Be(50_000);
        options.Limits.LimitLoopback.Should().BeTrue();
        options.Limits.UnlimitedNetworks.Should().Equal("10.0.0.0/8");
        options.MaxRoomsPerSocket.Should().Be(9);
    }
}
