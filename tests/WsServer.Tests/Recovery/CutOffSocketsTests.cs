using FluentAssertions;
using WsServer.Recovery;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Recovery;

public sealed class CutOffSocketsTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private readonly InMemoryServer _server = new();
    private readonly CutOffSockets _sockets;

    public CutOffSocketsTests() => _sockets = new CutOffSockets(3, TimeSpan.FromSeconds(10), _time);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public void A_session_is_of_use_to_whom_it_was_given_only()
    {
        CutOffSocket socket = Create("a", identity: "ada");
        _sockets.Add(socket);
        _sockets.Take("a", _server.Io.Root, identity: null).Should().BeNull();
        _sockets.Take("a", _server.Io.Root, identity: "bob").Should().BeNull();
        _sockets.Take("a", _server.Io.Root, identity: "ada").Should().BeSameAs(socket);
    }

    [Fact]
    public void One_is_taken_once_and_only_where_it_was()
    {
        CutOffSocket kept = Add("a");
        _sockets.Take("b", _server.Io.Root, identity: null).Should().BeNull();
        _sockets.Take("a", _server.Io.Of("/other"), identity: null).Should().BeNull();
        _sockets.Take("a", _server.Io.Root, identity: null).Should().BeSameAs(kept);
        _sockets.Take("a", _server.Io.Root, identity: null).Should().BeNull();
        _sockets.Count.Should().Be(0);
    }

    [Fact]
    public void They_expire_in_the_order_in_which_they_were_cut_off()
    {
        Add("a");
        _time.Advance(TimeSpan.FromSeconds(4));
        Add("b");
        _time.Advance(TimeSpan.FromSeconds(6));
        _sockets.TakeExpired().Should().BeNull("the time is not over yet");
        _time.Advance(TimeSpan.FromTicks(1));
        _sockets.TakeExpired()!.Session.Should().Be("a");
        _sockets.TakeExpired().Should().BeNull();
        _time.Advance(TimeSpan.FromSeconds(4));
        _sockets.TakeExpired()!.Session.Should().Be("b");
        _sockets.Count.Should().Be(0);
    }

    [Fact]
    public void When_it_is_full_the_oldest_goes()
    {
        foreach (string session in new[] { "a", "b", "c" })
        {
            _sockets.Add(Create(session)).Should().BeNull();
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        _sockets.Add(Create("d"))!.Session.Should().Be("a");
        _sockets.Count.Should().Be(3);
        _sockets.Take("a", _server.Io.Root, identity: null).Should().BeNull();
    }

    [Fact]
    public void One_that_is_put_back_has_its_old_place()
    {
        Add("a");
        _time.Advance(TimeSpan.FromSeconds(1));
        CutOffSocket b = Add("b");
        _time.Advance(TimeSpan.FromSeconds(1));
        Add("c");
        _sockets.Take("b", _server.Io.Root, identity: null);
        _sockets.Add(b).Should().BeNull();
        _time.Advance(TimeSpan.FromSeconds(20));
        new[] { _sockets.TakeExpired()!.Session, _sockets.TakeExpired()!.Session, _sockets.TakeExpired()!.Session }.Should().Equal("a", "b", "c");
    }

    [Theory]
    [InlineData(40, 40)] // missed some of its own
    [InlineData(10, 20)] // had never been told of what was before it joined
    [InlineData(50, 90)] // had all that was meant for it, whatever went to others since
    [InlineData(60, 90)]
    [InlineData(95, 95)]
    public void Who_has_had_all_that_was_meant_for_it_has_missed_only_what_came_later(long seq, long after) =>
        Create("a", since: 20, lastSeq: 50, position: 90).MissedAfter(seq).Should().Be(after);

    private CutOffSocket Add(string session)
    {
        CutOffSocket socket = Create(session);
        _sockets.Add(socket).Should().BeNull();
        return socket;
    }

    private CutOffSocket Create(string session, long since = 0, long lastSeq = 0, long position = 0, string? identity = null) => new()
    {
        Session = session,
        Namespace = _server.Io.Root,
        Sid = session,
        Identity = identity,
        Rooms = new Dictionary<string, long>(),
        Since = since,
        LastSeq = lastSeq,
        Position = position,
        Time = _time.GetTimestamp(),
    };
}
