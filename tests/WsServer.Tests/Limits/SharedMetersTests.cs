using FluentAssertions;
using WsServer.Limits;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Limits;

/// <summary>The buckets of addresses and users.</summary>
public class SharedMetersTests
{
    private readonly ManualTime _time = new();
    private readonly SharedMeters<string> _meters;

    public SharedMetersTests() => _meters = new SharedMeters<string>(
        RateLimit.From(RateScopes.User, new ReceiveRate { MessagesPerSecond = 10, MessageBurst = 20, BytesPerSecond = 100, ByteBurst = 1_000 }, _time)!, _time);

    [Fact]
    public void All_of_one_key_take_from_the_same_bucket()
    {
        SharedMeter first = _meters.Rent("ada");
        SharedMeter second = _meters.Rent("ada");
        SharedMeter other = _meters.Rent("bob");

        (Taken(first, 15), Taken(second, 15), Taken(other, 25)).Should().Be((15, 5, 20));
    }

    [Fact]
    public void Bytes_are_shared_as_well()
    {
        SharedMeter first = _meters.Rent("ada");
        SharedMeter second = _meters.Rent("ada");

        (Taken(first, 1, bytes: 600), Taken(second, 1, bytes: 401), Taken(second, 1, bytes: 400)).Should().Be((1, 0, 1));
    }

    [Fact]
    public void Coming_back_does_not_fill_the_bucket()
    {
        SharedMeter meter = _meters.Rent("ada");
        Taken(meter, 20).Should().Be(20);
        _meters.Return("ada", meter);
        _meters.Tick();

        SharedMeter again = _meters.Rent("ada");

        Taken(again, 1).Should().Be(0);
        _time.Advance(TimeSpan.FromMilliseconds(100));
        Taken(again, 2).Should().Be(1);
    }

    [Fact]
    public void One_that_nobody_uses_is_forgotten_when_it_is_full()
    {
        SharedMeter meter = _meters.Rent("ada");
        Taken(meter, 20).Should().Be(20);
        _meters.Return("ada", meter);
        _time.Advance(TimeSpan.FromMilliseconds(1_999));
        _meters.Tick();
        _meters.Count.Should().Be(1);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        _meters.Tick();

        _meters.Count.Should().Be(0);
    }

    [Fact]
    public void One_that_is_full_is_forgotten_with_its_last_user_and_not_before()
    {
        SharedMeter one = _meters.Rent("ada");
        SharedMeter two = _meters.Rent("ada");
        _meters.Return("ada", one);
        _meters.Tick();
        _meters.Count.Should().Be(1);

        _meters.Return("ada", two);

        _meters.Count.Should().Be(0);
        _meters.Rent("ada").Should().NotBeSameAs(two);
    }

    [Fact]
    public void Threads_together_take_a_burst_and_no_more()
    {
        int taken = 0;
        Parallel.For(0, 8, _ =>
        {
            SharedMeter meter = _meters.Rent("ada");
            Interlocked.Add(ref taken, Taken(meter, 10));
            _meters.Return("ada", meter);
        });

        taken.Should().Be(20);
        _time.Advance(TimeSpan.FromSeconds(2));
        _meters.Tick();
        _meters.Count.Should().Be(0);
    }

    [Fact]
    public void However_they_come_and_go_none_is_left_over()
    {
        Parallel.For(0, 20_000, i =>
        {
            string key = $"user {i % 3}";
            SharedMeter meter = _meters.Rent(key);
            meter.TryTake(_time.GetTimestamp(), 1);
            _meters.Return(key, meter);
            _meters.Tick();
        });
        _time.Advance(TimeSpan.FromSeconds(2));
        _meters.Tick();

        _meters.Count.Should().Be(0);
    }

    private int Taken(SharedMeter meter, int messages, int bytes = 1) => Enumerable.Range(0, messages).Count(_ => meter.TryTake(_time.GetTimestamp(), bytes));
}
