using System.Collections.Concurrent;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Limits;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>How much may be sent, on a time that stands still: 20 messages at once, and 10 a second.</summary>
public class RateLimitTests
{
    private const int Burst = 20;

    private readonly ManualTime _time = new();
    private readonly ConcurrentQueue<DisconnectReason> _reasons = new();

    [Fact]
    public async Task A_burst_is_taken_and_one_message_more_is_dropped_and_told()
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerConnection));
        await using EventClient client = await EventClient.ConnectAsync(host);
        await AskAsync(client, Burst);

        await client.SendAsync("""{"event":"count","id":77}""");

        JsonElement error = await client.ErrorAsync("rate_limited");
        error.GetProperty("retryAfterMs").GetInt32().Should().Be(2_000);
        error.GetProperty("message").GetString().Should().Contain("connection");
        _time.Advance(TimeSpan.FromSeconds(2));
        (await client.AskAsync("count")).GetProperty("data").GetInt32().Should().Be(Burst + 1, "the dropped one never reached its handler");
        client.Waiting.Should().BeEmpty();
    }

    [Fact]
    public async Task Who_goes_on_is_told_once_and_closed_with_1008_past_a_tenth_of_a_burst()
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerConnection));
        await using EventClient client = await EventClient.ConnectAsync(host);
        await AskAsync(client, Burst);

        // One that is told, two that are a tenth of a burst, and one more.
        using var dropped = new CountedMetric(host, "wsserver.rate_limited");
        await SendAsync(client, 3);
        await client.ErrorAsync("rate_limited");
        await Within.UntilAsync(() => dropped.Total == 3, "all three are dropped");
        _time.Advance(TimeSpan.FromMilliseconds(100));
        await AskAsync(client, 1);
        client.Waiting.Should().BeEmpty();
        await SendAsync(client, 1);

        (await client.ErrorAsync("rate_limited")).GetProperty("retryAfterMs").GetInt32().Should().Be(2_000);
        (await client.ClosedAsync()).Should().Be(1008);
        await Within.UntilAsync(() => !_reasons.IsEmpty, "the handler of the end has run");
        _reasons.Should().Equal(DisconnectReason.RateLimited);
        host.Log.Entries.Should().Contain(e => e.Level == LogLevel.Warning && e.Message.Contains("over the rate for each connection"));
    }

    [Fact]
    public async Task Who_has_to_be_told_a_fourth_time_within_a_minute_is_closed()
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerConnection));
        await using EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 0; i < 3; i++)
        {
            await AskAsync(client, Burst);
            await SendAsync(client, 1);
            await client.ErrorAsync("rate_limited");
            _time.Advance(TimeSpan.FromSeconds(19));
        }

        await AskAsync(client, Burst);
        await SendAsync(client, 1);

        await client.ErrorAsync("rate_limited");
        (await client.ClosedAsync()).Should().Be(1008);
    }

    [Fact]
    public async Task Who_has_to_be_told_now_and_then_is_not()
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerConnection));
        await using EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 0; i < 10; i++)
        {
            await AskAsync(client, Burst);
            await SendAsync(client, 1);
            await client.ErrorAsync("rate_limited");
            _time.Advance(TimeSpan.FromSeconds(20));
        }

        await AskAsync(client, 1);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("""{"event":"nobody knows"}""")]
    [InlineData("""{"ack":1}""")]
    [InlineData("""{"pong":1}""")]
    public async Task What_is_of_no_use_costs_as_much(string message)
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerConnection));
        await using EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 0; i < Burst; i++)
        {
            await client.SendAsync(message);
        }

        await SendAsync(client, 1);

        await client.ErrorAsync("rate_limited");
    }

    [Theory]
    [InlineData(RawFrame.Ping)]
    [InlineData(RawFrame.Pong)]
    public async Task So_do_pings_and_pongs_of_the_WebSocket(int opcode)
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerConnection));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);
        for (int i = 0; i < Burst + 1; i++)
        {
            await raw.SendAsync(opcode, [1, 2, 3]);
        }

        (await raw.ReadAsync(RawFrame.Text)).Json.GetProperty("error").GetProperty("code").GetString().Should().Be("rate_limited");
    }

    [Fact]
    public async Task Bytes_are_taken_up_to_their_burst_and_one_more_is_not()
    {
        await using EventServerHost host = await StartAsync(
            l => (l.PerConnection.BytesPerSecond, l.PerConnection.ByteBurst) = (1_000, 10_000), o => o.MaxMessageBytes = 1_000);
        await using EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 0; i < 10; i++)
        {
            await client.SendAsync($"{{\"ping\":\"{new string('x', 1_000 - 11)}\"}}");
            await client.ExpectAsync("pong");
        }

        await client.SendAsync("1");

        (await client.ErrorAsync("rate_limited")).GetProperty("retryAfterMs").GetInt32().Should().Be(10_000);
    }

    [Fact]
    public async Task Fragments_cost_when_they_come_and_not_when_their_message_is_whole()
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerConnection));
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);
        await raw.SendAsync(RawFrame.Text, "{"u8.ToArray(), isFinal: false);
        for (int i = 1; i < Burst + 1; i++)
        {
            await raw.SendAsync(RawFrame.Continuation, " "u8.ToArray(), isFinal: false);
        }

        (await raw.ReadAsync(RawFrame.Text)).Json.GetProperty("error").GetProperty("code").GetString().Should().Be("rate_limited");
    }

    [Fact]
    public async Task A_message_in_fragments_costs_its_bytes_once()
    {
        await using EventServerHost host = await StartAsync(
            l => (l.PerConnection.BytesPerSecond, l.PerConnection.ByteBurst) = (1_000, 1_000), o => o.MaxMessageBytes = 1_000);
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);
        await raw.SendAsync(RawFrame.Text, "{\"ping\":"u8.ToArray(), isFinal: false);
        await raw.SendAsync(RawFrame.Continuation, System.Text.Encoding.UTF8.GetBytes(new string(' ', 900)), isFinal: false);
        await raw.SendAsync(RawFrame.Continuation, System.Text.Encoding.UTF8.GetBytes(new string(' ', 1_000 - 8 - 900 - 2) + "1}"));
        (await raw.ReadAsync(RawFrame.Text)).Json.GetProperty("pong").GetInt32().Should().Be(1);

        await raw.SendTextAsync("1");

        (await raw.ReadAsync(RawFrame.Text)).Json.GetProperty("error").GetProperty("code").GetString().Should().Be("rate_limited");
    }

    [Fact]
    public async Task All_connections_of_a_user_share_a_rate_wherever_they_come_from()
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerUser));
        await using EventClient first = await LimitedHost.ConnectAsync(host, LimitedHost.Address, "ada");
        await using EventClient second = await LimitedHost.ConnectAsync(host, LimitedHost.OtherAddress, "ada");
        await using EventClient other = await LimitedHost.ConnectAsync(host, LimitedHost.Address, "bob");
        await AskAsync(first, Burst / 2);
        await AskAsync(second, Burst / 2);

        await SendAsync(second, 1);

        (await second.ErrorAsync("rate_limited")).GetProperty("message").GetString().Should().Contain("user");
        await AskAsync(other, Burst);
    }

    [Fact]
    public async Task All_connections_from_an_address_share_a_rate_and_connecting_anew_does_not_fill_it()
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerAddress));
        await using EventClient other = await LimitedHost.ConnectAsync(host, LimitedHost.OtherAddress);
        await using (EventClient first = await LimitedHost.ConnectAsync(host, LimitedHost.Address))
        {
            await AskAsync(first, Burst);
            await first.CloseAsync();
        }

        await Within.UntilAsync(() => host.Io.ConnectionCount == 1, "the first is gone");
        await using EventClient again = await LimitedHost.ConnectAsync(host, LimitedHost.Address);
        await SendAsync(again, 1);

        (await again.ErrorAsync("rate_limited")).GetProperty("message").GetString().Should().Contain("address");
        await AskAsync(other, Burst);
        _time.Advance(TimeSpan.FromSeconds(2));
        await AskAsync(again, Burst);
    }

    [Fact]
    public async Task Who_shares_an_address_with_a_flood_loses_messages_but_not_the_connection()
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerAddress));
        await using EventClient flooder = await LimitedHost.ConnectAsync(host, LimitedHost.Address);
        await using EventClient neighbour = await LimitedHost.ConnectAsync(host, LimitedHost.Address);
        for (int i = 0; i < 6; i++)
        {
            await AskAsync(flooder, Burst);
            await SendAsync(neighbour, 1);
            await neighbour.ErrorAsync("rate_limited");
            _time.Advance(TimeSpan.FromSeconds(11));
        }

        await AskAsync(neighbour, 1);
    }

    [Fact]
    public async Task What_is_over_the_rate_of_the_address_takes_nothing_from_the_connections_own()
    {
        await using EventServerHost host = await StartAsync(l =>
        {
            Limit(l.PerAddress);
            Limit(l.PerConnection);
        });
        await using EventClient first = await LimitedHost.ConnectAsync(host, LimitedHost.Address);
        await using EventClient second = await LimitedHost.ConnectAsync(host, LimitedHost.Address);
        using var dropped = new CountedMetric(host, "wsserver.rate_limited");
        await AskAsync(first, Burst);
        await SendAsync(second, 2);
        await Within.UntilAsync(() => dropped.Total == 2, "both are dropped");
        await second.ErrorAsync("rate_limited");
        _time.Advance(TimeSpan.FromSeconds(2));

        await AskAsync(second, Burst);
    }

    [Fact]
    public async Task A_message_larger_than_a_burst_comes_through_a_full_bucket()
    {
        await using EventServerHost host = await StartAsync(
            l => (l.PerConnection.BytesPerSecond, l.PerConnection.ByteBurst) = (1_000, 2_000), o => o.MaxMessageBytes = 2_000);
        host.Io.Runtime.Options.MaxMessageBytes = 5_000;
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync($"{{\"ping\":\"{new string('x', 4_000)}\"}}");
        await client.ExpectAsync("pong");
        await SendAsync(client, 1);

        await client.ErrorAsync("rate_limited");
    }

    [Fact]
    public async Task An_address_that_is_not_limited_may_send_what_its_connections_may()
    {
        await using EventServerHost host = await StartAsync(l => Limit(l.PerAddress));
        await using EventClient client = await LimitedHost.ConnectAsync(host);

        await AskAsync(client, Burst * 3);
    }

    [Fact]
    public async Task People_who_talk_to_each_other_never_meet_the_defaults()
    {
        await using EventServerHost host = await StartAsync(_ => { });
        await using EventClient client = await LimitedHost.ConnectAsync(host, LimitedHost.Address, "ada");

        // Ten minutes at 20 events a second, which is more than any burst in all.
        for (int second = 0; second < 600; second++)
        {
            await SendAsync(client, 19);
            await AskAsync(client, 1);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        client.Waiting.Should().BeEmpty();
    }

    private static void Limit(ReceiveRate rate) => (rate.MessagesPerSecond, rate.MessageBurst) = (10, Burst);

    private static async Task SendAsync(EventClient client, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await client.SendAsync("""{"event":"count"}""");
        }
    }

    private static async Task AskAsync(EventClient client, int count)
    {
        for (int i = 0; i < count; i++)
        {
            (await client.AskAsync("count")).TryGetProperty("data", out _).Should().BeTrue();
        }
    }

    private Task<EventServerHost> StartAsync(Action<EventServerLimits> limits, Action<EventServerOptions>? options = null) => LimitedHost.StartAsync(
        limits,
        io =>
        {
            int count = 0;
            io.On("count", _ => Interlocked.Increment(ref count));
            io.OnDisconnect((_, reason) => _reasons.Enqueue(reason));
        },
        _time,
        options);
}
