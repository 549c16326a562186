using FluentAssertions;
using WsServer.Limits;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Limits;

/// <summary>The buckets of one connection.</summary>
public class RateMeterTests
{
    private readonly ManualTime _time = new();
    private RateMeter _meter;

    [Fact]
    public void A_burst_passes_and_one_more_message_does_not()
    {
        RateLimit limit = Limit(messages: 10, burst: 20);
        Taken(limit, 25).Should().Be(20);
    }

    [Fact]
    public void The_bucket_fills_by_the_rate_and_no_further_than_a_burst()
    {
        RateLimit limit = Limit(messages: 10, burst: 20);
        Taken(limit, 25).Should().Be(20);
        _time.Advance(TimeSpan.FromMilliseconds(99));
        Taken(limit, 25).Should().Be(0);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Taken(limit, 25).Should().Be(1);
        _time.Advance(TimeSpan.FromSeconds(1));
        Taken(limit, 25).Should().Be(10);
        _time.Advance(TimeSpan.FromHours(1));
        Taken(limit, 25).Should().Be(20);
    }

    [Fact]
    public void Who_keeps_to_the_rate_is_never_over_it()
    {
        RateLimit limit = Limit(messages: 10, burst: 1);
        for (int i = 0; i < 10_000; i++)
        {
            Taken(limit, 1).Should().Be(1);
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    [Theory]
    [InlineData(1_000, 1)]
    [InlineData(500, 2)]
    [InlineData(501, 1)]
    [InlineData(5_000, 1)]
    public void Bytes_pass_up_to_their_burst_and_one_larger_message_from_a_full_bucket(int bytes, int messages)
    {
        RateLimit limit = Limit(bytes: 100, byteBurst: 1_000);
        Taken(limit, 5, bytes).Should().Be(messages);
    }

    [Fact]
    public void What_is_refused_takes_nothing_away()
    {
        RateLimit limit = Limit(messages: 10, burst: 20, bytes: 100, byteBurst: 1_000);
        Taken(limit, 1, bytes: 1).Should().Be(1);
        Taken(limit, 100, bytes: 1_000).Should().Be(0);
        Taken(limit, 20, bytes: 50).Should().Be(19);
        Taken(limit, 1, bytes: 0).Should().Be(0);
    }

    [Fact]
    public void It_tells_when_it_is_full_again()
    {
        RateLimit limit = Limit(messages: 10, burst: 20, bytes: 100, byteBurst: 1_000);
        _meter.TicksToFull(_time.GetTimestamp()).Should().Be(0);
        Taken(limit, 20).Should().Be(20);
        _meter.TicksToFull(_time.GetTimestamp()).Should().Be(TimeSpan.FromSeconds(2).Ticks);
        _time.Advance(TimeSpan.FromSeconds(2));
        Taken(limit, 1, bytes: 1_000).Should().Be(1);
        _meter.TicksToFull(_time.GetTimestamp()).Should().Be(TimeSpan.FromSeconds(10).Ticks);
    }

    [Fact]
    public void Without_one_of_the_limits_the_other_holds()
    {
        Taken(Limit(bytes: 1, byteBurst: 10), 100_000, bytes: 0).Should().Be(100_000);
        _meter = default;
        Taken(Limit(messages: 1, burst: 3), 10, int.MaxValue).Should().Be(3);
        RateLimit.From(RateScopes.Connection, new ReceiveRate(), _time).Should().BeNull("nothing is limited");
    }

    private RateLimit Limit(int messages = 0, int burst = 0, long bytes = 0, long byteBurst = 0) => RateLimit.From(
        RateScopes.Connection, new ReceiveRate { MessagesPerSecond = messages, MessageBurst = burst, BytesPerSecond = bytes, ByteBurst = byteBurst }, _time)!;

    private int Taken(RateLimit limit, int messages, int bytes = 1)
    {
        int taken = 0;
        for (int i = 0; i < messages; i++)
        {
            if (_meter.Has(limit, _time.GetTimestamp(), bytes))
            {
                _meter.Take(limit, _time.GetTimestamp(), bytes);
                taken++;
            }
        }

        return taken;
    }
}
