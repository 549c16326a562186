using FluentAssertions;
using Microsoft.Extensions.Options;
using Xunit;

namespace WsServer.Tests;

public class EventServerOptionsTests
{
    public static TheoryData<string, Action<EventServerOptions>, string> Wrong => new()
    {
        { "MaxMessageBytes", o => o.MaxMessageBytes = 15, "at least 16" },
        { "MaxMessageBytes", o => o.MaxMessageBytes = int.MaxValue, "at most" },
        { "MaxConnections", o => o.MaxConnections = 0, "at least 1" },
        { "MaxNamespacesPerConnection", o => o.MaxNamespacesPerConnection = 0, "at least 1" },
        { "MaxRoomsPerSocket", o => o.MaxRoomsPerSocket = 0, "at least 1" },
        { "MaxRoomNameLength", o => o.MaxRoomNameLength = 0, "at least 1" },
        { "MaxEventNameLength", o => o.MaxEventNameLength = 0, "at least 1" },
        { "MaxJsonDepth", o => o.MaxJsonDepth = 1, "at least 2" },
        { "MaxJsonDepth", o => o.MaxJsonDepth = 1_001, "at most 1000" },
        { "MaxQueuedEvents", o => o.MaxQueuedEvents = 0, "at least 1" },
        { "MaxQueuedBytes", o => o.MaxQueuedBytes = 0, "at least 1" },
        { "MaxPendingAcks", o => o.MaxPendingAcks = 0, "at least 1" },
        { "MaxOutboxBytes", o => o.MaxOutboxBytes = -1, "at least 0" },
        { "MaxDroppableBytes", o => o.MaxDroppableBytes = -1, "at least 0" },
        { "MaxDroppableBytes", o => o.MaxDroppableBytes = o.MaxOutboxBytes + 1, "at most MaxOutboxBytes, 2097152" },
        { "ErrorBudget", o => o.ErrorBudget = 0, "at least 1" },
        { "SocketLoops", o => o.SocketLoops = -1, "at least 0" },
        { "SocketLoops", o => o.SocketLoops = 257, "at most 256" },
        { "ConnectTimeout", o => o.ConnectTimeout = TimeSpan.Zero, "more than zero" },
        { "RecoveryWindow", o => o.RecoveryWindow = TimeSpan.FromSeconds(-1), "more than zero" },
        { "MaxReplayEvents", o => o.MaxReplayEvents = 0, "at least 1" },
        { "MaxReplayBytes", o => o.MaxReplayBytes = 0, "at least 1" },
        { "MaxRecoverableSockets", o => o.MaxRecoverableSockets = 0, "at least 1" },
        { "PingInterval", o => o.PingInterval = TimeSpan.FromSeconds(-1), "more than zero" },
        { "PingTimeout", o => o.PingTimeout = TimeSpan.FromDays(25), "at most 24 days" },
        { "AckTimeout", o => o.AckTimeout = Timeout.InfiniteTimeSpan, "more than zero" },
        { "CloseTimeout", o => o.CloseTimeout = TimeSpan.MaxValue, "at most 24 days" },
        { "HandlerGracePeriod", o => o.HandlerGracePeriod = TimeSpan.Zero, "more than zero" },
        { "ReconnectDelay", o => o.ReconnectDelay = TimeSpan.Zero, "more than zero" },
        { "Presence:MaxMetadataBytes", o => o.Presence.MaxMetadataBytes = 0, "from 1 to 1048576" },
        { "Presence:MaxMetadataBytes", o => o.Presence.MaxMetadataBytes = (1024 * 1024) + 1, "from 1 to 1048576" },
        { "Presence:MaxQueuedChanges", o => o.Presence.MaxQueuedChanges = 0, "at least 1" },
        { "Compression:MinimumBytes", o => o.Compression = new CompressionOptions { MinimumBytes = -1 }, "at least 0" },
        { "Compression:Level", o => o.Compression = new CompressionOptions { Level = (System.IO.Compression.CompressionLevel)9 }, "must be Optimal" },
        { "AllowedOrigins", o => o.AllowedOrigins.Add("example.com"), "'example.com'" },
        { "AllowedOrigins", o => o.AllowedOrigins.Add("https://example.com/path"), "'https://example.com/path'" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_option_is_named_with_its_bound(string name, Action<EventServerOptions> set, string bound)
    {
        var options = new EventServerOptions();
        set(options);
        ValidateOptionsResult result = new EventServerOptionsValidator().Validate(null, options);
        result.Failures.Should().ContainSingle().Which.Should().StartWith($"Events:{name} ").And.Contain(bound);
    }

    [Fact]
    public void The_least_of_each_is_enough()
    {
        var options = new EventServerOptions
        {
            MaxMessageBytes = 16,
            MaxConnections = 1,
            MaxNamespacesPerConnection = 1,
            MaxRoomsPerSocket = 1,
            MaxRoomNameLength = 1,
            MaxEventNameLength = 1,
            MaxJsonDepth = 2,
            MaxQueuedEvents = 1,
            MaxQueuedBytes = 1,
            MaxPendingAcks = 1,
            MaxOutboxBytes = 0,
            MaxDroppableBytes = 0,
            ErrorBudget = 1,
            SocketLoops = 0,
            RecoveryWindow = TimeSpan.Zero,
            MaxReplayEvents = 1,
            MaxReplayBytes = 1,
            MaxRecoverableSockets = 1,
            PingInterval = TimeSpan.FromMilliseconds(1),
            PingTimeout = TimeSpan.FromDays(24),
            Compression = new CompressionOptions { MinimumBytes = 0 },
        };
        foreach (string origin in new[] { "*", "null", "https://example.com", "http://localhost:5173", "https://example.com/" })
        {
            options.AllowedOrigins.Add(origin);
        }

        new EventServerOptionsValidator().Validate(null, options).Should().Be(ValidateOptionsResult.Success);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        var options = new EventServerOptions { MaxConnections = 0, ErrorBudget = 0 };
        new EventServerOptionsValidator().Validate(null, options).Failures.Should().HaveCount(2);
    }

    [Fact]
    public void The_defaults_are_those_documented()
    {
        new EventServerOptions().Should().BeEquivalentTo(new
        {
            MaxMessageBytes = 1024 * 1024,
            MaxConnections = 100_000,
            MaxNamespacesPerConnection = 32,
            MaxRoomsPerSocket = 1_000,
            MaxRoomNameLength = 256,
            MaxEventNameLength = 256,
            MaxJsonDepth = 64,
            MaxQueuedEvents = 128,
            MaxQueuedBytes = 4 * 1024 * 1024,
            MaxPendingAcks = 1_000,
            MaxOutboxBytes = 2L * 1024 * 1024,
            MaxDroppableBytes = (long?)null,
            ErrorBudget = 100,
            SocketLoops = Math.Min(Environment.ProcessorCount, 32),
            ConnectTimeout = TimeSpan.FromSeconds(45),
            PingInterval = TimeSpan.FromSeconds(25),
            PingTimeout = TimeSpan.FromSeconds(20),
            AckTimeout = TimeSpan.FromSeconds(30),
            CloseTimeout = TimeSpan.FromSeconds(5),
            HandlerGracePeriod = TimeSpan.FromSeconds(5),
            ReconnectDelay = TimeSpan.FromSeconds(1),
            RecoveryWindow = TimeSpan.FromMinutes(2),
            MaxReplayEvents = 10_000,
            MaxReplayBytes = 8L * 1024 * 1024,
            MaxRecoverableSockets = 10_000,
            RunMiddlewareOnRecovery = false,
            Compression = (CompressionOptions?)null,
            AllowedOrigins = Array.Empty<string>(),
        });
        new EventServerOptionsValidator().Validate(null, new EventServerOptions()).Should().Be(ValidateOptionsResult.Success);
    }

    [Fact]
    public void Compression_is_on_when_the_configuration_has_a_word_about_it()
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Events:Compression:Level"] = "Optimal" }).Build();
        using ServiceProvider services = new ServiceCollection().AddSingleton(configuration).AddLogging().AddEvents().BuildServiceProvider();

        CompressionOptions? compression = services.GetRequiredService<IOptions<EventServerOptions>>().Value.Compression;

        compression.Should().BeEquivalentTo(new CompressionOptions { MinimumBytes = 1024, Level = System.IO.Compression.CompressionLevel.Optimal });
    }

    [Fact]
    public void Options_come_from_the_configuration_and_then_from_code()
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Events:MaxMessageBytes"] = "5000",
            ["Events:PingInterval"] = "00:00:07",
            ["Events:ErrorBudget"] = "3",
            ["Events:AllowedOrigins:0"] = "https://a.example",
        }).Build();
        using ServiceProvider services = new ServiceCollection().AddSingleton(configuration).AddLogging().AddEvents(o => o.ErrorBudget = 4).BuildServiceProvider();
        EventServerOptions options = services.GetRequiredService<IOptions<EventServerOptions>>().Value;
        options.MaxMessageBytes.Should().Be(5000);
        options.PingInterval.Should().Be(TimeSpan.FromSeconds(7));
        options.ErrorBudget.Should().Be(4);
        options.AllowedOrigins.Should().Equal("https://a.example");
    }

    [Fact]
    public void A_server_is_not_made_with_wrong_options()
    {
        using ServiceProvider services = new ServiceCollection().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddLogging().AddEvents(o => o.MaxPendingAcks = -5).BuildServiceProvider();
        services.Invoking(s => s.GetRequiredService<EventServer>()).Should().Throw<OptionsValidationException>().WithMessage("*Events:MaxPendingAcks is -5*");
    }
}
