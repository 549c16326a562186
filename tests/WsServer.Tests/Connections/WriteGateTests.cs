using FluentAssertions;
using WsServer.Connections;
using Xunit;

namespace WsServer.Tests.Connections;

public class WriteGateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // A field, as a copy of the gate would be another gate.
    private WriteGate _gate;

    [Fact]
    public void One_goes_in_at_a_time()
    {
        _gate.TryEnter().Should().BeTrue();
        _gate.TryEnter().Should().BeFalse();
        _gate.Leave();
        _gate.TryEnter().Should().BeTrue();
    }

    [Fact]
    public void Who_finds_nobody_does_not_wait()
    {
        _gate.EnterAsync(CancellationToken.None).IsCompletedSuccessfully.Should().BeTrue();
        _gate.TryEnter().Should().BeFalse();
        _gate.Leave();
        _gate.TryEnter().Should().BeTrue();
    }

    [Fact]
    public async Task Those_who_wait_go_in_one_by_one_in_the_order_they_came()
    {
        _gate.TryEnter();
        Task first = _gate.EnterAsync(CancellationToken.None);
        Task second = _gate.EnterAsync(CancellationToken.None);

        first.IsCompleted.Should().BeFalse();
        _gate.Leave();
        await first.WaitAsync(Patience);
        second.IsCompleted.Should().BeFalse();
        _gate.TryEnter().Should().BeFalse("the gate was handed over, not opened");

        _gate.Leave();
        await second.WaitAsync(Patience);
        _gate.Leave();
        _gate.TryEnter().Should().BeTrue();
    }

    [Fact]
    public async Task Who_is_cancelled_while_waiting_is_passed_over()
    {
        using var gone = new CancellationTokenSource();
        _gate.TryEnter();
        Task cancelled = _gate.EnterAsync(gone.Token);
        Task patient = _gate.EnterAsync(CancellationToken.None);
        await gone.CancelAsync();

        await cancelled.Invoking(c => c.WaitAsync(Patience)).Should().ThrowAsync<OperationCanceledException>();
        _gate.Leave();
        await patient.WaitAsync(Patience);
        _gate.Leave();
        _gate.TryEnter().Should().BeTrue();
    }

    [Fact]
    public async Task When_all_who_waited_are_cancelled_the_gate_opens()
    {
        using var gone = new CancellationTokenSource();
        _gate.TryEnter();
        Task cancelled = _gate.EnterAsync(gone.Token);
        await gone.CancelAsync();
        await cancelled.Invoking(c => c.WaitAsync(Patience)).Should().ThrowAsync<OperationCanceledException>();

        _gate.Leave();
        _gate.TryEnter().Should().BeTrue();
    }

    [Fact]
    public async Task Many_threads_are_never_in_together_and_all_have_their_turn()
    {
        const int Threads = 4;
        const int Turns = 20_000;
        int inside = 0, most = 0, turns = 0;
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
        {
            var random = new Random(thread);
            for (int i = 0; i < Turns; i++)
            {
                if (random.Next(2) == 0 || !_gate.TryEnter())
                {
                    await _gate.EnterAsync(CancellationToken.None);
                }

                most = Math.Max(most, Interlocked.Increment(ref inside));
                turns++;
                Interlocked.Decrement(ref inside);
                _gate.Leave();
            }
        }))).WaitAsync(TimeSpan.FromSeconds(60));

        most.Should().Be(1);
        turns.Should().Be(Threads * Turns);
    }
}
