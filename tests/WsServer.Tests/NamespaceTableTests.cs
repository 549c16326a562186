using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests;

public class NamespaceTableTests
{
    [Fact]
    public async Task A_dynamic_namespace_is_set_up_for_its_first_user_and_goes_with_its_last()
    {
        await using var server = new InMemoryServer();
        var table = new NamespaceTable(server.Io.Runtime);
        int made = 0;
        table.AddRule(name => name.StartsWith("/team-", StringComparison.Ordinal), _ => made++);
        table.Exists("/team-a").Should().BeTrue();
        table.All.Should().BeEmpty("asking makes nothing");

        EventNamespace first = table.Acquire("/team-a")!;
        table.Acquire("/team-a").Should().BeSameAs(first);
        made.Should().Be(1);
        table.Release(first);
        table.Peek("/team-a").Should().BeSameAs(first);
        table.Release(first);
        table.Peek("/team-a").Should().BeNull();
        table.Acquire("/team-a").Should().NotBeNull().And.NotBeSameAs(first);
        made.Should().Be(2);
        table.Acquire("/other").Should().BeNull();
    }

    [Fact]
    public async Task A_namespace_of_the_program_stays()
    {
        await using var server = new InMemoryServer();
        var table = new NamespaceTable(server.Io.Runtime);
        EventNamespace ns = table.GetOrAdd("/chat");
        table.Acquire("/chat").Should().BeSameAs(ns);
        table.Release(ns);
        table.Peek("/chat").Should().BeSameAs(ns);
        table.GetOrAdd("/chat").Should().BeSameAs(ns);
    }

    [Fact]
    public async Task The_first_rule_that_takes_a_name_sets_it_up()
    {
        await using var server = new InMemoryServer();
        var table = new NamespaceTable(server.Io.Runtime);
        var by = new List<string>();
        table.AddRule(name => name == "/b", _ => by.Add("first"));
        table.AddRule(_ => true, _ => by.Add("second"));
        table.Acquire("/b");
        table.Acquire("/c");
        by.Should().Equal("first", "second");
    }

    [Fact]
    public async Task Who_acquires_while_the_last_user_leaves_gets_a_namespace_that_is_in_the_table()
    {
        await using var server = new InMemoryServer();
        var table = new NamespaceTable(server.Io.Runtime);
        int made = 0;
        table.AddRule(_ => true, _ => Interlocked.Increment(ref made));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                EventNamespace ns = table.Acquire("/x")!;
                if (table.Peek("/x") != ns)
                {
                    throw new InvalidOperationException("The namespace in hand is not the one in the table.");
                }

                table.Release(ns);
            }
        })));
        table.All.Should().BeEmpty();
        made.Should().BePositive();
    }
}
