using FluentAssertions;
using WsServer.Cluster;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>All nodes find the same channel for the same room.</summary>
public sealed class ChannelsTests
{
    private const string Self = "selfself";
    private static readonly string There = new string('x', 24) + "otherone";
    private static readonly string Here = new string('x', 24) + Self;
    private readonly Channels _channels = new(Self, 1024);

    [Fact]
    public void The_channels_of_these_are_those_of_every_version()
    {
        _channels.OfNamespace("/").Should().Be("n1024.98");
        _channels.OfRoom("/chat", "lobby").Should().Be("r1024.488");
        _channels.OfRoom("/", There).Should().Be("s1024.307");
    }

    [Fact]
    public void Rooms_of_the_same_name_in_two_namespaces_are_apart() =>
        _channels.OfRoom("/a", "room").Should().NotBe(_channels.OfRoom("/b", "room"));

    [Fact]
    public void Rooms_are_spread_evenly()
    {
        int[] counts = new int[1024];
        for (int i = 0; i < 102_400; i++)
        {
            counts[int.Parse(_channels.OfRoom("/chat", $"room {i}").Split('.')[1], System.Globalization.CultureInfo.InvariantCulture)]++;
        }

        counts.Min().Should().BeGreaterThan(50);
        counts.Max().Should().BeLessThan(160);
    }

    [Fact]
    public void What_is_for_a_socket_goes_to_the_node_that_gave_its_id_and_to_where_it_may_have_gone()
    {
        _channels.Of(new Audience("/", [There], [], false)).Should().Equal(_channels.OfRoom("/", There), "node.otherone");
        _channels.Of(new Audience("/", [Here], [], false)).Should().Equal(_channels.OfRoom("/", Here));
        _channels.Of(new Audience("/", [], [], false) { Sid = There }).Should().Contain("node.otherone");
    }

    [Fact]
    public void What_is_for_everybody_goes_to_the_namespace_and_for_rooms_once_to_each_channel()
    {
        _channels.Of(new Audience("/chat", [], ["mute"], false)).Should().Equal(_channels.OfNamespace("/chat"));
        _channels.Of(new Audience("/chat", ["a", "b", "a"], [], false)).Should().Equal(_channels.OfRoom("/chat", "a"), _channels.OfRoom("/chat", "b"));
    }
}
