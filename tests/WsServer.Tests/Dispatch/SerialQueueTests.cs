using FluentAssertions;
using WsServer.Dispatch;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Dispatch;

public sealed class SerialQueueTests : IDisposable
{
    private static readonly TimeSpan Patience = TransportPair.Patience;

    private readonly SemaphoreSlim _release = new(0);
    private readonly List<int> _done = [];
    private readonly SerialQueue<int> _queue;

    public SerialQueueTests() => _queue = new SerialQueue<int>(
        new Worker(async work =>
        {
            await _release.WaitAsync();
            lock (_done)
            {
                _done.Add(work);
            }
        }),
        capacity: 3);

    [Fact]
    public async Task Work_is_done_one_after_the_other_in_the_order_it_came()
    {
        int running = 0;
        var order = new List<int>();
        var queue = new SerialQueue<int>(
            new Worker(async work =>
            {
                Interlocked.Increment(ref running).Should().Be(1);
                await Task.Yield();
                order.Add(work);
                Interlocked.Decrement(ref running);
            }),
            capacity: 10);
        for (int i = 0; i < 1_000; i++)
        {
            await queue.EnqueueAsync(i).AsTask().WaitAsync(Patience);
        }

        await queue.WhenIdleAsync().WaitAsync(Patience);
        order.Should().Equal(Enumerable.Range(0, 1_000));
        queue.IsIdle.Should().BeTrue();
    }

    [Theory]
    [InlineData(9, true)]
    [InlineData(10, false)]
    public async Task The_producer_waits_while_what_waits_holds_as_many_bytes_as_it_may(int bytes, bool hasRoom)
    {
        var go = new TaskCompletionSource();
        var queue = new SerialQueue<int>(new Worker(_ => new ValueTask(go.Task)), capacity: 100, maxBytes: 10);
        queue.TryEnter().Should().BeTrue();
        await queue.EnqueueAsync(4).AsTask().WaitAsync(Patience);

        Task last = queue.EnqueueAsync(bytes - 4).AsTask();

        last.IsCompleted.Should().Be(hasRoom);
        go.SetResult();
        queue.LeaveAfter(ValueTask.CompletedTask);
        await last.WaitAsync(Patience);
        await queue.WhenIdleAsync().WaitAsync(Patience);
    }

    [Fact]
    public async Task The_producer_waits_while_as_many_wait_as_may()
    {
        Task last = await FillAsync();
        last.IsCompleted.Should().BeFalse();
        _release.Release();
        await last.WaitAsync(Patience);
        _release.Release(10);
        await _queue.WhenIdleAsync().WaitAsync(Patience);
        _done.Should().Equal(0, 1, 2, 3);
    }

    [Fact]
    public async Task Clearing_drops_what_waits_and_lets_the_producer_go()
    {
        Task last = await FillAsync();
        _queue.Clear();
        await last.WaitAsync(Patience);
        _release.Release(10);
        await _queue.WhenIdleAsync().WaitAsync(Patience);
        _done.Should().Equal(0);
    }

    [Fact]
    public async Task Once_let_go_the_producer_never_waits_again_and_nothing_is_dropped()
    {
        Task last = await FillAsync();
        _queue.LetGo();
        await last.WaitAsync(Patience);
        _queue.EnqueueAsync(4).AsTask().IsCompleted.Should().BeTrue("its socket has ended, and others share the reader");
        _release.Release(10);
        await _queue.WhenIdleAsync().WaitAsync(Patience);
        _done.Should().Equal(0, 1, 2, 3, 4);
    }

    [Fact]
    public void An_unused_queue_is_idle()
    {
        _queue.IsIdle.Should().BeTrue();
        _queue.WhenIdleAsync().IsCompleted.Should().BeTrue();
    }

    public void Dispose() => _release.Dispose();

    // One runs and three wait; gives what the producer of the last would await.
    private async Task<Task> FillAsync()
    {
        await _queue.EnqueueAsync(0).AsTask().WaitAsync(Patience);
        await _queue.EnqueueAsync(1).AsTask().WaitAsync(Patience);
        await _queue.EnqueueAsync(2).AsTask().WaitAsync(Patience);
        return _queue.EnqueueAsync(3).AsTask();
    }

    private sealed class Worker(Func<int, ValueTask> run) : ISerialWorker<int>
    {
        public ValueTask RunAsync(int work) => run(work);

        public int SizeOf(int work) => work;
    }
}
