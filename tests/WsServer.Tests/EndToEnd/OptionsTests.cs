using FluentAssertions;
using Microsoft.Extensions.Options;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class OptionsTests
{
    [Fact]
    public async Task Options_come_from_the_configuration_and_then_from_code()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            options: o => o.MaxConnections = 7,
            services: builder => builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Events:MaxMessageBytes"] = "2000",
                ["Events:MaxConnections"] = "5",
                ["Events:PingInterval"] = "00:00:07",
                ["Events:AllowedOrigins:0"] = "https://a.example",
            }));
        EventServerOptions options = host.Io.Runtime.Options;

        options.MaxMessageBytes.Should().Be(2_000);
        options.MaxConnections.Should().Be(7);
        options.PingInterval.Should().Be(TimeSpan.FromSeconds(7));
        options.AllowedOrigins.Should().Equal("https://a.example");
    }

    [Fact]
    public void Options_may_come_from_another_section()
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Mine:ErrorBudget"] = "3" }).Build();
        using ServiceProvider services = new ServiceCollection().AddLogging().AddEvents(configuration.GetSection("Mine")).BuildServiceProvider();

        services.GetRequiredService<IOptions<EventServerOptions>>().Value.ErrorBudget.Should().Be(3);
    }

    [Fact]
    public async Task A_bad_option_stops_the_host_with_a_message_that_names_it()
    {
        Func<Task> starting = () => EventServerHost.StartAsync(options: o =>
        {
            o.MaxMessageBytes = 0;
            o.PingTimeout = TimeSpan.Zero;
            o.AllowedOrigins.Add("example.com");
        });

        string message = (await starting.Should().ThrowAsync<OptionsValidationException>()).Which.Message;
        message.Should().Contain("Events:MaxMessageBytes is 0; it must be at least 16.");
        message.Should().Contain("Events:PingTimeout is 00:00:00");
        message.Should().Contain("example.com");
    }

    [Fact]
    public async Task A_server_that_is_not_mapped_is_checked_all_the_same()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddEvents(o => o.ErrorBudget = 0);
        await using WebApplication app = builder.Build();

        await app.Awaiting(a => a.StartAsync()).Should().ThrowAsync<OptionsValidationException>();
    }

    [Fact]
    public async Task MapEvents_without_AddEvents_says_what_is_missing()
    {
        await using WebApplication app = WebApplication.CreateSlimBuilder().Build();

        app.Invoking(a => a.MapEvents()).Should().Throw<InvalidOperationException>().WithMessage("*AddEvents*");
    }
}
