using FluentAssertions;
using Microsoft.Extensions.Logging.Abstractions;
using WsServer.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

/// <summary>What becomes of polls while a WebSocket shows that it works.</summary>
public sealed class ProbeTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private readonly EngineSession _session;
    private readonly EngineSocket _socket = new(new TransportPair());

    public ProbeTests()
    {
        TimeSpan rest = TimeSpan.FromMinutes(1);
        _session = new EngineSession(new EngineSettings(rest, rest, rest, MaxPayload: 1_000, MaxSessions: 1, _time, NullLogger.Instance), socket: null, _ => { });
        _session.TryBeginProbe(_socket).Should().BeTrue();
    }

    public async ValueTask DisposeAsync() => await _session.DisposeAsync();

    [Fact]
    public async Task A_poll_that_waited_before_the_client_was_told_is_answered_at_once()
    {
        _session.TryPoll(out Task<PollAnswer> poll).Should().BeNull();

        _session.TakeProbe(_session.WaitingPoll);

        (await Within.TimeAsync(poll, "the answer")).Packets.Should().Equal(EnginePackets.Noop);
    }

    [Fact]
    public async Task A_poll_behind_the_clients_last_word_is_refused_however_late_the_server_hears_that()
    {
        object? earlier = _session.WaitingPoll;
        _session.TryPoll(out Task<PollAnswer> poll).Should().BeNull();
        _session.TakeProbe(earlier);
        poll.IsCompleted.Should().BeFalse();

        (await _session.TrySwitchAsync(_socket)).Should().BeTrue();

        (await Within.TimeAsync(poll, "the answer")).Error.Should().Be(EngineError.BadRequest);
    }

    [Fact]
    public async Task A_poll_of_a_client_that_is_slow_to_go_over_is_answered_in_a_moment()
    {
        object? earlier = _session.WaitingPoll;
        _session.TryPoll(out Task<PollAnswer> poll).Should().BeNull();
        _session.TakeProbe(earlier);

        _time.Advance(TimeSpan.FromMilliseconds(99));
        poll.IsCompleted.Should().BeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(1));

        (await Within.TimeAsync(poll, "the answer")).Packets.Should().Equal(EnginePackets.Noop);
    }
}
