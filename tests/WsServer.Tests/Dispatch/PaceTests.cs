using FluentAssertions;
using WsServer.Dispatch;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Dispatch;

public class PaceTests
{
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(2.1);

    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(51);
    private static readonly TimeSpan TooLong = TimeSpan.FromMilliseconds(1_001);

    private readonly Pace _pace = new();

    [Fact]
    public void A_new_handler_is_proven_by_eight_quick_runs()
    {
        for (int i = 0; i < 8; i++)
        {
            _pace.IsSlow.Should().BeTrue();
            _pace.Note(Quick);
        }

        _pace.IsSlow.Should().BeFalse();
    }

    [Fact]
    public void One_that_is_proven_just_now_is_slow_again_after_one_slow_run()
    {
        Note(Quick, 8);
        _pace.Note(Slow);
        _pace.IsSlow.Should().BeTrue();
        Note(Quick, 4);
        _pace.IsSlow.Should().BeFalse();
    }

    [Fact]
    public void One_that_was_quick_for_long_stays_quick_through_three_slow_runs_and_not_through_four()
    {
        Note(Quick, 1_000);
        Note(Slow, 3);
        _pace.IsSlow.Should().BeFalse();
        _pace.Note(Slow);
        _pace.IsSlow.Should().BeTrue();
    }

    [Fact]
    public void One_that_is_slow_once_in_ten_runs_stays_quick()
    {
        Note(Quick, 8);
        for (int i = 0; i < 1_000; i++)
        {
            Note(Quick, 9);
            _pace.Note(Slow);
            _pace.IsSlow.Should().BeFalse();
        }
    }

    [Fact]
    public void One_that_is_slow_every_other_run_is_never_proven()
    {
        for (int i = 0; i < 1_000; i++)
        {
            _pace.Note(Quick);
            _pace.Note(Slow);
            _pace.IsSlow.Should().BeTrue();
        }
    }

    [Fact]
    public void One_that_was_slow_for_ever_so_long_can_prove_itself_within_fifty_runs()
    {
        Note(Slow, 10_000);
        _pace.IsBlocking.Should().BeFalse("slow is not blocking, however often");
        Note(Quick, 47);
        _pace.IsSlow.Should().BeTrue();
        _pace.Note(Quick);
        _pace.IsSlow.Should().BeFalse();
    }

    [Fact]
    public void One_long_run_makes_slow_and_only_long_run_after_long_run_makes_blocking()
    {
        Note(Quick, 1_000);
        _pace.Note(Long);
        _pace.IsSlow.Should().BeTrue();
        _pace.Note(Quick);
        _pace.IsSlow.Should().BeFalse();
        Note(Long, 3);
        _pace.IsBlocking.Should().BeFalse();
        _pace.Note(Long);
        _pace.IsBlocking.Should().BeTrue();
    }

    [Fact]
    public void One_that_has_kept_its_thread_for_a_second_is_never_trusted_again()
    {
        Note(Quick, 1_000);
        _pace.Note(TooLong);
        Note(Quick, 10_000);
        Note(Slow, 10);
        Note(Long, 10);
        Note(Quick, 10_000);
        _pace.IsSlow.Should().BeTrue();
    }

    [Fact]
    public async Task Many_threads_may_note_at_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Note(Slow, 10_000)))).WaitAsync(Within.Reason);
        _pace.IsSlow.Should().BeTrue();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Note(Quick, 10_000)))).WaitAsync(Within.Reason);
        _pace.IsSlow.Should().BeFalse();
    }

    private void Note(TimeSpan elapsed, int times)
    {
        for (int i = 0; i < times; i++)
        {
            _pace.Note(elapsed);
        }
    }
}
