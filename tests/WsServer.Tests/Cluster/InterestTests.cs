using FluentAssertions;
using WsServer.Cluster;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>A node is subscribed to the channels of its rooms, and to no others for long.</summary>
public sealed class InterestTests
{
    private readonly List<(string Channel, bool IsWanted)> _calls = [];
    private readonly ManualTime _time = new();
    private TaskCompletionSource? _held;

    [Fact]
    public void A_channel_is_subscribed_to_once_however_many_need_it()
    {
        Interest interest = Begun();
        interest.Add("a");
        interest.Add("a");
        interest.Add("b");

        _calls.Should().Equal(("a", true), ("b", true));
    }

    [Fact]
    public void It_is_kept_for_a_while_when_nobody_needs_it()
    {
        Interest interest = Begun();
        interest.Add("a");
        interest.Remove("a");
        Pass(interest, 9);
        interest.Add("a");
        Pass(interest, 100);
        _calls.Should().Equal(("a", true));

        interest.Remove("a");
        Pass(interest, 11);

        _calls.Should().Equal(("a", true), ("a", false));
        interest.Count.Should().Be(0);
    }

    [Fact]
    public void A_leave_that_overtakes_its_join_leaves_nothing_behind()
    {
        Interest interest = Begun();
        interest.Remove("a");
        Pass(interest, 11);
        interest.Add("a");
        interest.Add("a");
        Pass(interest, 100);

        interest.Count.Should().Be(1);
    }

    [Fact]
    public void Who_joins_waits_until_the_subscription_holds()
    {
        _held = new TaskCompletionSource();
        Interest interest = Begun();
        interest.Add("a");
        Task first = interest.WhenReady("a");
        Task second = interest.WhenReady("a");
        first.IsCompleted.Should().BeFalse();
        second.IsCompleted.Should().BeFalse();

        _held.SetResult();

        first.IsCompleted.Should().BeTrue();
        interest.WhenReady("a").IsCompleted.Should().BeTrue();
        interest.WhenReady("unknown").IsCompleted.Should().BeTrue();
    }

    [Fact]
    public void What_is_needed_before_the_start_is_subscribed_to_then()
    {
        var interest = new Interest(Subscribe, _time);
        interest.Add("a");
        _calls.Should().BeEmpty();

        interest.Begin();

        _calls.Should().Equal(("a", true));
    }

    private Interest Begun()
    {
        var interest = new Interest(Subscribe, _time);
        interest.Begin();
        return interest;
    }

    private void Pass(Interest interest, int seconds)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        interest.Tick();
    }

    private ValueTask Subscribe(string channel, bool isWanted)
    {
        _calls.Add((channel, isWanted));
        return _held is null ? default : new ValueTask(_held.Task);
    }
}
