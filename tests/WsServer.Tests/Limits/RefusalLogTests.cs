using FluentAssertions;
using WsServer.Limits;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Limits;

/// <summary>A flood of refusals is no flood of lines.</summary>
public class RefusalLogTests
{
    private readonly ManualTime _time = new();
    [Fact]
    public void One_line_a_second_is_written_of_each_kind_and_says_how_many_were_not()
    {
        using var log = new CollectedLog();
        var refusals = new RefusalLog(log.CreateLogger("test"), _time);
        for (int i = 0; i < 1_000; i++)
        {
            refusals.OriginRefused("https://evil.example");
            refusals.TooManyConnections(7);
        }

        _time.Advance(TimeSpan.FromMilliseconds(999));
        refusals.OriginRefused("https://evil.example");
        log.Entries.Should().HaveCount(2);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        refusals.OriginRefused("https://other.example");

        log.Entries.Should().HaveCount(3);
        log.Entries.Last().Message.Should().Contain("https://other.example").And.Contain("1000 refusals before it");
    }

    [Fact]
    public void Of_many_threads_one_writes_the_line()
    {
        using var log = new CollectedLog();
        var refusals = new RefusalLog(log.CreateLogger("test"), _time);
        Parallel.For(0, 1_000, _ => refusals.TooManyConnections(7));
        _time.Advance(TimeSpan.FromSeconds(1));
        refusals.TooManyConnections(7);

        log.Entries.Should().HaveCount(2);
        log.Entries.Last().Message.Should().Contain("999 refusals before it");
    }
}
