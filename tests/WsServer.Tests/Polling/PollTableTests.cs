using System.Net.Sockets;
using FluentAssertions;
using WsServer.Polling;
using Xunit;

namespace WsServer.Tests.Polling;

public class PollTableTests
{
    private readonly PollTable _table = new();

    [Fact]
    public void Each_is_found_by_its_key()
    {
        IPolled[] all = [.. Enumerable.Range(0, 1_000).Select(_ => new Someone())];
        ulong[] keys = [.. all.Select(_table.Add)];

        keys.Should().OnlyHaveUniqueItems().And.NotContain(Epoll.WakeKey);
        keys.Select(_table.Find).Should().Equal(all);
        _table.Count.Should().Be(1_000);
    }

    [Fact]
    public void The_key_of_one_who_has_left_is_nobodys_though_another_has_the_place()
    {
        ulong first = _table.Add(new Someone());
        _table.Remove(first);
        _table.Find(first).Should().BeNull();
        var next = new Someone();

        ulong second = _table.Add(next);

        ((uint)second).Should().Be((uint)first, "places are used again");
        _table.Find(first).Should().BeNull();
        _table.Find(second).Should().BeSameAs(next);
        _table.Count.Should().Be(1);
    }

    [Fact]
    public void A_key_that_was_never_given_is_nobodys()
    {
        _table.Find(0).Should().BeNull();
        _table.Find(Epoll.WakeKey).Should().BeNull();
        _table.Add(new Someone());
        _table.Find(Epoll.WakeKey).Should().BeNull();
        _table.Find(1).Should().BeNull();
    }

    private sealed class Someone : IPolled
    {
        public SafeSocketHandle Handle => throw new NotSupportedException();

        public bool Note(PollEvents events) => false;

        public void Execute() => throw new NotSupportedException();
    }
}
