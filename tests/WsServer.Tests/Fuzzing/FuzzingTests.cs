using FluentAssertions;
using Xunit;

namespace WsServer.Tests.Fuzzing;

/// <summary>Some cases of each target, the same each time. <c>tests/WsServer.Fuzz</c> runs as many as there is time for.</summary>
public class FuzzingTests
{
    private const int Seed = 20_260_611;

    [Theory]
    [InlineData("envelope", 100_000, "packets", "refused", "with attachments")]
    [InlineData("socketio", 100_000, "packets", "refused", "with attachments")]
    [InlineData("engineio", 50_000, "read", "refused", "written")]
    [InlineData("frames", 30_000, "proper", "read", "refused", "too large")]
    [InlineData("deflate", 15_000, "proper", "read", "refused", "too large")]
    [InlineData("node", 50_000, "written", "read", "refused")]
    public void Whatever_comes_is_read_the_same_again_or_refused(string target, int cases, params string[] outcomes)
    {
        var run = new FuzzRun(FuzzTarget.All.Single(t => t.Name == target), Seed);
        while (run.Count < cases)
        {
            run.Next();
        }

        // Cases are worth something only when all of this happens often.
        run.Outcomes.Keys.Should().BeEquivalentTo(outcomes);
        run.Outcomes.Values.Should().OnlyContain(count => count > cases / 50, run.ToString());
    }

    [Fact]
    public void A_case_is_the_same_each_time_it_is_run()
    {
        foreach (FuzzTarget target in FuzzTarget.All)
        {
            var run = new FuzzRun(target, Seed);
            string[] first = [.. Enumerable.Range(0, 100).Select(i => run.RunCase(i))];

            Enumerable.Range(0, 100).Reverse().Select(i => run.RunCase(i)).Reverse().Should().Equal(first);
        }
    }
}
