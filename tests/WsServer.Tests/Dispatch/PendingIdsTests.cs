using FluentAssertions;
using WsServer.Dispatch;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Dispatch;

public class PendingIdsTests
{
    private PendingIds _ids;

    [Fact]
    public void An_id_is_pending_until_it_is_removed()
    {
        _ids.TryAdd(new PacketId(0)).Should().BeTrue();
        _ids.TryAdd(new PacketId(0)).Should().BeFalse();
        _ids.Remove(new PacketId(0));
        _ids.TryAdd(new PacketId(0)).Should().BeTrue();
    }

    [Fact]
    public void A_number_and_its_text_are_two_ids()
    {
        _ids.TryAdd(new PacketId(1)).Should().BeTrue();
        _ids.TryAdd(new PacketId("1")).Should().BeTrue();
        _ids.Remove(new PacketId(1));
        _ids.TryAdd(new PacketId("1")).Should().BeFalse();
        _ids.TryAdd(new PacketId(1)).Should().BeTrue();
    }

    [Fact]
    public void Removing_what_is_not_pending_does_nothing()
    {
        _ids.Remove(new PacketId(1));
        _ids.TryAdd(new PacketId(1)).Should().BeTrue();
        _ids.Remove(new PacketId(2));
        _ids.TryAdd(new PacketId(1)).Should().BeFalse();
    }

    [Fact]
    public void Random_ids_are_pending_exactly_from_adding_to_removing()
    {
        var random = new Random(4711);
        var model = new HashSet<PacketId>();
        for (int i = 0; i < 100_000; i++)
        {
            int number = random.Next(8);
            PacketId id = random.Next(4) == 0 ? new PacketId($"{number}") : new PacketId(number);
            if (random.Next(2) == 0)
            {
                _ids.TryAdd(id).Should().Be(model.Add(id));
            }
            else
            {
                _ids.Remove(id);
                model.Remove(id);
            }
        }
    }
}
