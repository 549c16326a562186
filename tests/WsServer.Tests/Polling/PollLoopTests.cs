using System.Globalization;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Polling;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Polling;

/// <summary>One loop, and what those whom it calls may do to it.</summary>
public sealed class PollLoopTests : IDisposable, IInputOwner
{
    private static readonly AsyncLocal<string?> Local = new();

    private readonly CollectedLog _log = new();
    private readonly SemaphoreSlim _release = new(0);
    private readonly Poller _poller;
    private readonly PollLoop _loop;

    public PollLoopTests()
    {
        _poller = Poller.TryStart(1, _log.CreateLogger("loop"))!;
        _loop = _poller.Loops.Single();
    }

    Exception? IInputOwner.CloseReason => null;

    public void Dispose()
    {
        _poller.Dispose();
        _release.Dispose();
        _log.Dispose();
    }

    void IInputOwner.InputIsOver()
    {
    }

    [Fact]
    public async Task A_call_that_keeps_its_thread_holds_up_nobody_else()
    {
        using Caller blocking = await Caller.AddAsync(_loop, Block);
        using Caller other = await Caller.AddAsync(_loop);
        await blocking.CallAsync();

        for (int i = 0; i < 10; i++)
        {
            await other.CallAsync();
            other.IsOnPool.Should().BeFalse();
        }

        _loop.Blocked.Should().Be(1);
        _release.Release();
        await Within.UntilAsync(() => _loop.Blocked == 0, "its thread has left");
        _release.Release();
        await blocking.CallAsync();
        await other.CallAsync();
        blocking.Calls.Should().Be(2);
        other.Calls.Should().Be(11);
    }

    [Fact]
    public async Task What_came_in_one_go_with_a_call_that_keeps_its_thread_is_handled_by_another()
    {
        using var gate = new SemaphoreSlim(0);
        using Caller first = await Caller.AddAsync(_loop, () => gate.Wait(Within.Reason));
        using Caller blocking = await Caller.AddAsync(_loop, Block);
        using Caller third = await Caller.AddAsync(_loop);
        using Caller fourth = await Caller.AddAsync(_loop);
        await first.CallAsync();

        // These wait together, in the loop's next look if the thread was not taken away before.
        Task[] all = [blocking.CallAsync(), third.CallAsync(), fourth.CallAsync()];
        gate.Release();

        await Task.WhenAll(all);
        _release.Release();
        await Within.UntilAsync(() => _loop.Blocked == 0, "the threads have left");
    }

    [Fact]
    public async Task With_as_many_threads_kept_as_may_be_calls_go_to_the_pool_until_one_is_back()
    {
        var blocking = new List<Caller>();
        using Caller other = await Caller.AddAsync(_loop);
        for (int i = 0; i < PollLoop.MostBlocked + 1; i++)
        {
            blocking.Add(await Caller.AddAsync(_loop, Block));
            await blocking[^1].CallAsync();
            await Within.UntilAsync(() => _loop.Blocked == Math.Min(i + 1, PollLoop.MostBlocked), "the loop is another thread's");
        }

        blocking.Select(b => b.IsOnPool).Should().Equal(Enumerable.Range(0, PollLoop.MostBlocked + 1).Select(i => i == PollLoop.MostBlocked));
        await other.CallAsync();
        other.IsOnPool.Should().BeTrue();

        _release.Release(blocking.Count);
        await Within.UntilAsync(() => _loop.Blocked == 0, "the threads have left");
        await other.CallAsync();
        other.IsOnPool.Should().BeFalse();
        blocking.ForEach(b => b.Dispose());
    }

    [Fact]
    public async Task A_call_that_throws_is_logged_and_the_next_ones_come()
    {
        var fault = new InvalidOperationException("Wrong.");
        using Caller throwing = await Caller.AddAsync(_loop, () => throw fault);
        using Caller other = await Caller.AddAsync(_loop);

        await throwing.CallAsync();
        await other.CallAsync();
        await throwing.CallAsync();
        await other.CallAsync();

        _log.Errors.Select(e => e.Exception).Should().Equal(fault, fault);
    }

    [Fact]
    public async Task What_a_call_leaves_behind_on_the_thread_is_not_the_next_ones()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        var seen = new List<(int Thread, string? Local, SynchronizationContext? Context, CultureInfo Culture)>();
        using Caller caller = await Caller.AddAsync(_loop, () =>
        {
            seen.Add((Environment.CurrentManagedThreadId, Local.Value, SynchronizationContext.Current, CultureInfo.CurrentCulture));
            Local.Value = "left behind";
            SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("fr");
        });
        for (int i = 0; i < 3; i++)
        {
            await caller.CallAsync();
        }

        await Within.UntilAsync(() => seen.Count == 3, "all are over");
        seen.Select(s => s.Thread).Distinct().Should().ContainSingle();
        seen.Should().OnlyContain(s => s.Local == null && s.Context == null && s.Culture.Equals(before));
    }

    [Fact]
    public async Task A_descriptor_that_is_used_again_is_its_new_owners()
    {
        using Caller staying = await Caller.AddAsync(_loop);
        var descriptors = new List<nint>();
        for (int i = 0; i < 200; i++)
        {
            using Caller next = await Caller.AddAsync(_loop);
            descriptors.Add(next.Handle.DangerousGetHandle());
            await next.CallAsync();
            next.Calls.Should().Be(1);
            if (i % 2 == 0)
            {
                next.CloseSocket();
            }
        }

        descriptors.Should().Contain(d => descriptors.Count(other => other == d) > 1, "otherwise this test says nothing");
        staying.Calls.Should().Be(0);
        await staying.CallAsync();
        _loop.Count.Should().Be(1);
    }

    [Fact]
    public async Task It_ends_with_its_last_socket_and_takes_none_afterwards()
    {
        Caller last = await Caller.AddAsync(_loop);
        _poller.Dispose();
        await last.CallAsync();
        _loop.IsOver.Should().BeFalse();
        last.Dispose();
        await Within.UntilAsync(() => _loop.IsOver, "it is over");

        using SocketPair pair = await SocketPair.ConnectAsync();
        using SocketInput input = SocketInput.Open(pair.Server, this, _poller);
        input.Should().BeOfType<RuntimeInput>("the runtime can do it, too");
        _loop.Count.Should().Be(0);
    }

    [Fact]
    public async Task What_stands_behind_urgent_bytes_is_received_without_more_coming()
    {
        using SocketPair pair = await SocketPair.ConnectAsync();
        using SocketInput input = SocketInput.Open(pair.Server, this, _poller);
        pair.Client.Send([1, 2, 3], System.Net.Sockets.SocketFlags.OutOfBand);
        await pair.Client.SendAsync(new byte[] { 4, 5 });
        // As far as the cut; the rest is there, too, as this is one machine.
        await Within.UntilAsync(() => pair.Server.Available >= 2, "it is there");

        var received = new List<byte>();
        byte[] buffer = new byte[100];
        while (received.Count < 4)
        {
            (await Within.TimeAsync(input.WaitAsync().AsTask(), "the rest")).Should().BeTrue();
            received.AddRange(buffer.Take(input.Receive(buffer)));
        }

        received.Should().Equal(1, 2, 4, 5);
        input.CloseSocket(isReset: true);
    }

    private void Block() => _release.Wait(Within.Reason).Should().BeTrue();
}
