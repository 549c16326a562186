using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

public class ErrorBudgetTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void A_budget_is_spent_and_refilled_by_one_a_second_up_to_its_size()
    {
        var budget = new ErrorBudget(3, _time);
        Spend(budget).Should().Be(3);
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Spend(budget).Should().Be(0);
        _time.Advance(TimeSpan.FromSeconds(0.2));
        Spend(budget).Should().Be(1);
        _time.Advance(TimeSpan.FromSeconds(2));
        Spend(budget).Should().Be(2);
        _time.Advance(TimeSpan.FromHours(1));
        Spend(budget).Should().Be(3);
    }

    private static int Spend(ErrorBudget budget)
    {
        int spent = 0;
        while (budget.TrySpend())
        {
            spent++;
        }

        return spent;
    }
}
