using FluentAssertions;
using WsServer.Dispatch;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Dispatch;

public class PendingAcksTests
{
    private readonly PendingAcks _acks = new(limit: 2);
    private readonly Waiter _waiter = new();

    [Fact]
    public void An_ack_reaches_who_waits_for_it_once()
    {
        _acks.Add(new PacketId(1), _waiter, "sid");
        _acks.Settle("sid", Ack(new PacketId(1)));
        _acks.Settle("sid", Ack(new PacketId(1)));
        _waiter.Told.Should().Equal("answered sid 1");
        _acks.Count.Should().Be(0);
    }

    [Fact]
    public void An_ack_that_nobody_waits_for_is_ignored()
    {
        _acks.Settle("sid", Ack(new PacketId(1)));
        _acks.Add(new PacketId(1), _waiter, "sid");
        _acks.Settle("sid", Ack(new PacketId(2)));
        _acks.Settle("sid", Ack(new PacketId("1")));
        _waiter.Told.Should().BeEmpty();
        _acks.Remove(new PacketId(1));
        _acks.Settle("sid", Ack(new PacketId(1)));
        _waiter.Told.Should().BeEmpty();
    }

    [Fact]
    public void A_socket_owes_no_more_acks_than_it_may()
    {
        _acks.Add(new PacketId(1), _waiter, "sid");
        _acks.Add(new PacketId(2), _waiter, "sid");
        EventError error = _acks.Invoking(a => a.Add(new PacketId(3), _waiter, "sid")).Should().Throw<EventException>().Which.Error;
        error.Code.Should().Be("too_many_pending_acks");
        ((int?)error.Details!["limit"]).Should().Be(2);
        _acks.Remove(new PacketId(1));
        _acks.Add(new PacketId(3), _waiter, "sid");
        _acks.Count.Should().Be(2);
    }

    [Fact]
    public void All_that_are_owed_end_with_the_socket_and_so_do_those_that_come_later()
    {
        _acks.Add(new PacketId(1), _waiter, "sid");
        _acks.Add(new PacketId(2), _waiter, "sid");
        _acks.Close("sid");
        _acks.Close("sid");
        _waiter.Told.Should().Equal("gone sid", "gone sid");
        _acks.Add(new PacketId(3), _waiter, "sid");
        _waiter.Told.Should().HaveCount(3);
        _acks.Settle("sid", Ack(new PacketId(3)));
        _waiter.Told.Should().HaveCount(3);
        _acks.Count.Should().Be(0);
    }

    private static Packet Ack(PacketId id) => new(PacketKind.Ack) { Id = id };

    private sealed class Waiter : IAckWaiter
    {
        public List<string> Told { get; } = [];

        public void Answered(string sid, in Packet ack) => Told.Add($"answered {sid} {ack.Id}");

        public void Gone(string sid) => Told.Add($"gone {sid}");
    }
}
