using FluentAssertions;
using Microsoft.Extensions.Options;
using WsServer.Backplane;
using WsServer.RabbitMQ;
using Xunit;

namespace WsServer.Tests.Backplane;

public class RabbitMQOptionsTests
{
    private const string Secret = "p%40ss-w0rd";

    [Theory]
    [InlineData("amqp://host", "amqp://guest@host:5672/%2F", "guest", "/")]
    [InlineData("amqp://host/", "amqp://guest@host:5672/%2F", "guest", "/")]
    [InlineData("amqps://host", "amqps://guest@host:5671/%2F", "guest", "/")]
    [InlineData("AMQPS://host:1234/%2F", "amqps://guest@host:1234/%2F", "guest", "/")]
    [InlineData("amqp://me:p%40ss%3A%2Fw0rd@[::1]:7/my%20host", "amqp://me@[::1]:7/my%20host", "p@ss:/w0rd", "my host")]
    [InlineData("amqp://me:a:b@host/a%2Fb", "amqp://me@host:5672/a%2Fb", "a:b", "a/b")]
    [InlineData("amqp://me@host", "amqp://me@host:5672/%2F", "", "/")]
    public void A_URI_says_where_the_broker_is_and_its_text_keeps_the_password(string uri, string text, string password, string virtualHost)
    {
        BrokerAddress address = BrokerAddress.Parse(uri, out string? error)!;

        error.Should().BeNull();
        address.ToString().Should().Be(text);
        address.Password.Should().Be(password);
        address.VirtualHost.Should().Be(virtualHost);
    }

    [Theory]
    [InlineData("", "is missing")]
    [InlineData("broker:5672", "is no URI")]
    [InlineData($"http://me:{Secret}@host", "must begin with amqp://")]
    [InlineData($"me:{Secret}@host", "is no URI")]
    [InlineData($"amqp://me:{Secret}#@host", "is no URI")]
    [InlineData($"amqp://me:{Secret}@host:port", "is no URI")]
    [InlineData($"amqp://me:{Secret}@host/a/b", "more than one segment")]
    [InlineData($"amqp://me:{Secret}@host?heartbeat=5", "must end with the virtual host")]
    public void A_wrong_URI_is_refused_without_being_quoted(string uri, string error)
    {
        ValidateOptionsResult result = Validate(o => o.Uri = uri);

        result.Failures.Should().ContainSingle().Which.Should().StartWith("Events:RabbitMQ:Uri").And.Contain(error).And.NotContain(Secret);
    }

    public static TheoryData<string, Action<RabbitMQOptions>, Action<RabbitMQOptions>> Limits => new()
    {
        { "Exchange", o => o.Exchange = new string('a', 200), o => o.Exchange = new string('a', 201) },
        { "Exchange", o => o.Exchange = "A-z_0.9", o => o.Exchange = "a b" },
        { "Exchange", o => o.Exchange = "amq", o => o.Exchange = "amq.direct" },
        { "Exchange", o => o.Exchange = "x", o => o.Exchange = "" },
        { "QueueExpires", o => o.QueueExpires = TimeSpan.FromSeconds(1), o => o.QueueExpires = TimeSpan.FromMilliseconds(999) },
        { "QueueExpires", o => o.QueueExpires = TimeSpan.FromDays(7), o => o.QueueExpires = TimeSpan.FromDays(7) + TimeSpan.FromTicks(1) },
        { "MaxQueueBytes", o => o.MaxQueueBytes = 1, o => o.MaxQueueBytes = 0 },
        { "MaxMessageBytes", o => o.MaxMessageBytes = 1, o => o.MaxMessageBytes = 0 },
        { "MaxMessageBytes", o => o.MaxMessageBytes = 128 * 1024 * 1024, o => o.MaxMessageBytes = (128 * 1024 * 1024) + 1 },
        { "Prefetch", o => o.Prefetch = 1, o => o.Prefetch = 0 },
        { "Prefetch", o => o.Prefetch = 65535, o => o.Prefetch = 65536 },
        { "Heartbeat", o => o.Heartbeat = TimeSpan.FromSeconds(1), o => o.Heartbeat = TimeSpan.Zero },
        { "Heartbeat", o => o.Heartbeat = TimeSpan.FromMinutes(1), o => o.Heartbeat = TimeSpan.FromSeconds(61) },
        { "ConnectTimeout", o => o.ConnectTimeout = TimeSpan.FromMilliseconds(100), o => o.ConnectTimeout = TimeSpan.Zero },
        { "MinReconnectDelay", o => o.MinReconnectDelay = TimeSpan.FromMilliseconds(1), o => o.MinReconnectDelay = TimeSpan.Zero },
        { "MaxReconnectDelay", o => o.MaxReconnectDelay = o.MinReconnectDelay, o => o.MaxReconnectDelay = o.MinReconnectDelay - TimeSpan.FromTicks(1) },
        { "TlsAuthorities", o => o.TlsAuthorities = typeof(RabbitMQOptionsTests).Assembly.Location, o => o.TlsAuthorities = "/no/such/file.pem" },
    };

    [Theory]
    [MemberData(nameof(Limits))]
    public void An_option_is_taken_up_to_its_limit(string option, Action<RabbitMQOptions> atTheLimit, Action<RabbitMQOptions> beyond)
    {
        Validate(atTheLimit).Succeeded.Should().BeTrue();
        Validate(beyond).Failures.Should().ContainSingle().Which.Should().StartWith($"Events:RabbitMQ:{option} is ");
    }

    [Fact]
    public async Task The_configuration_may_be_the_URI_alone()
    {
        await using ServiceProvider services = Services(s => s.AddRabbitMQ(), ("Events:RabbitMQ", "amqp://one"));

        services.GetRequiredService<IOptions<RabbitMQOptions>>().Value.Uri.Should().Be("amqp://one");
        services.GetRequiredService<IBackplane>().Should().BeOfType<RabbitMQBackplane>();
    }

    [Fact]
    public void The_configuration_may_set_each_option_and_the_program_has_the_last_word()
    {
        using ServiceProvider services = Services(
            s => s.AddRabbitMQ("amqp://two", o => o.Prefetch = 7),
            ("Events:RabbitMQ:Uri", "amqp://one"),
            ("Events:RabbitMQ:Prefetch", "5"),
            ("Events:RabbitMQ:QueueExpires", "00:02:00"));

        RabbitMQOptions options = services.GetRequiredService<IOptions<RabbitMQOptions>>().Value;
        options.Uri.Should().Be("amqp://two");
        options.Prefetch.Should().Be(7);
        options.QueueExpires.Should().Be(TimeSpan.FromMinutes(2));
    }

    [Fact]
    public void A_wrong_option_is_named_when_the_options_are_asked_for()
    {
        using ServiceProvider services = Services(s => s.AddRabbitMQ($"http://me:{Secret}@host"));

        services.Invoking(s => s.GetRequiredService<IOptions<RabbitMQOptions>>().Value).Should().Throw<OptionsValidationException>()
            .WithMessage("*Events:RabbitMQ:Uri*").Which.ToString().Should().NotContain(Secret);
    }

    private static ValidateOptionsResult Validate(Action<RabbitMQOptions> configure)
    {
        var options = new RabbitMQOptions { Uri = "amqp://host" };
        configure(options);
        return new RabbitMQOptionsValidator().Validate(null, options);
    }

    private static ServiceProvider Services(Action<IServiceCollection> add, params (string Key, string Value)[] settings)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build());
        add(services);
        return services.BuildServiceProvider();
    }
}
