using System.Net.Sockets;
using FluentAssertions;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using WsServer.Connections;
using WsServer.Polling;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>A socket as input, whoever waits for it.</summary>
public abstract class SocketInputTests : IAsyncLifetime, IDisposable
{
    private readonly InputOwner _owner = new();
    private SocketPair _pair = null!;
    private SocketInput _input = null!;

    public async Task InitializeAsync()
    {
        _pair = await SocketPair.ConnectAsync();
        _input = Open(_pair.Server, _owner);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    private protected abstract SocketInput Open(Socket socket, IInputOwner owner);

    protected virtual void Dispose(bool disposing)
    {
        _input.CloseSocket(isReset: true);
        _pair.Dispose();
        _input.Dispose();
    }

    [Fact]
    public async Task A_wait_ends_when_something_comes_and_it_is_received_once()
    {
        Task<bool> waiting = Wait();
        waiting.IsCompleted.Should().BeFalse();
        await _pair.SendAsync(1, 2, 3);

        (await waiting).Should().BeTrue();
        Receive(2).Should().Equal(1, 2);
        (await Wait()).Should().BeTrue("one is left");
        Receive(2).Should().Equal(3);
        _input.Receive(new byte[2]).Should().Be(SocketInput.Nothing);
        Wait().IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task A_wait_that_was_given_up_leaves_its_answer_to_the_next()
    {
        Task<bool> first = Wait();
        _input.Cancel();
        (await first).Should().BeFalse();

        Task<bool> second = Wait();
        second.IsCompleted.Should().BeFalse();
        await _pair.SendAsync(7);

        (await second).Should().BeTrue();
        Receive(10).Should().Equal(7);
    }

    [Fact]
    public async Task What_came_while_nobody_waited_is_there_for_the_next()
    {
        Task<bool> first = Wait();
        _input.Cancel();
        (await first).Should().BeFalse();
        await _pair.SendAsync(7);

        (await Wait()).Should().BeTrue();
        Receive(10).Should().Equal(7);
        Task<bool> next = Wait();
        await _pair.SendAsync(8);
        (await next).Should().BeTrue();
        Receive(10).Should().Equal(8);
    }

    [Fact]
    public async Task A_cancellation_between_two_waits_ends_the_next_one_and_only_that()
    {
        _input.Cancel();
        (await Wait()).Should().BeFalse();
        Wait().IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task A_cancellation_that_was_forgotten_ends_nothing()
    {
        _input.Cancel();
        _input.ForgetCancel();
        Task<bool> waiting = Wait();
        waiting.IsCompleted.Should().BeFalse();
        await _pair.SendAsync(1);
        (await waiting).Should().BeTrue();
    }

    [Fact]
    public async Task The_end_is_told_after_the_last_byte_and_to_the_owner_once()
    {
        await _pair.SendAsync(1);
        _pair.Client.Shutdown(SocketShutdown.Send);

        (await Wait()).Should().BeTrue();
        Receive(10).Should().Equal(1);
        _owner.Ends.Should().Be(0);
        for (int i = 0; i < 3; i++)
        {
            (await Wait()).Should().BeTrue();
            _input.Receive(new byte[10]).Should().Be(0);
        }

        _owner.Ends.Should().Be(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_is_told_again_and_again_whether_it_came_before_the_wait_or_into_it(bool isBefore)
    {
        if (isBefore)
        {
            _pair.Reset();
            await Within.UntilAsync(() => _pair.Server.Poll(0, SelectMode.SelectRead), "the reset is there");
        }

        Task<bool> waiting = Wait();
        _pair.Reset();

        (await Within.TimeAsync(waiting, "the reset")).Should().BeTrue();
        for (int i = 0; i < 3; i++)
        {
            FluentActions.Invoking(() => _input.Receive(new byte[10])).Should().Throw<ConnectionResetException>();
            (await Wait()).Should().BeTrue();
        }

        _owner.Ends.Should().Be(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_socket_that_the_owner_closes_ends_the_wait_with_the_reason(bool hasReason)
    {
        _owner.CloseReason = hasReason ? new InvalidOperationException("The reason.") : null;
        Task<bool> waiting = Wait();
        _input.CloseSocket(isReset: true);

        (await Within.TimeAsync(waiting, "the end")).Should().BeTrue();
        Exception fault = FluentActions.Invoking(() => _input.Receive(new byte[10])).Should().Throw<Exception>().Which;
        fault.Should().Match(e => hasReason ? e == _owner.CloseReason : e is ConnectionAbortedException);
        (await Wait()).Should().BeTrue();
        _owner.Ends.Should().Be(1);
    }

    [Fact]
    public async Task A_socket_that_is_closed_already_needs_no_wait()
    {
        _input.CloseSocket(isReset: true);

        (await Wait()).Should().BeTrue();
        FluentActions.Invoking(() => _input.Receive(new byte[10])).Should().Throw<ConnectionAbortedException>();
    }

    [Fact]
    public async Task Every_byte_is_received_in_order_while_waits_are_given_up_all_the_time()
    {
        const int Count = 20_000;
        int cancelled = 0;
        using var over = new CancellationTokenSource();
        Task cancelling = Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
            {
                _input.Cancel();
                Thread.SpinWait(200);
            }
        });
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < Count; i++)
            {
                await _pair.Client.SendAsync(new[] { (byte)i });
            }
        });

        int received = 0;
        byte[] buffer = new byte[16];
        while (received < Count)
        {
            if (!await Wait())
            {
                cancelled++;
                continue;
            }

            int count = _input.Receive(buffer);
            for (int i = 0; i < count; i++)
            {
                buffer[i].Should().Be((byte)received++);
            }
        }

        over.Cancel();
        await Within.TimeAsync(Task.WhenAll(sending, cancelling), "the sender and the other thread");
        cancelled.Should().BePositive();
    }

    private Task<bool> Wait() => Within.TimeAsync(_input.WaitAsync().AsTask(), "the socket");

    private byte[] Receive(int most)
    {
        byte[] buffer = new byte[most];
        return buffer[.._input.Receive(buffer)];
    }

    private sealed class InputOwner : IInputOwner
    {
        public Exception? CloseReason { get; set; }

        public int Ends { get; private set; }

        public void InputIsOver() => Ends++;
    }
}

/// <summary>By the runtime and its thread pool.</summary>
public sealed class RuntimeInputTests : SocketInputTests
{
    private protected override SocketInput Open(Socket socket, IInputOwner owner) => SocketInput.Open(socket, owner, poller: null);
}

/// <summary>By a loop of the server's own.</summary>
public sealed class PolledInputTests : SocketInputTests
{
    private readonly Poller _poller = Poller.TryStart(1, NullLogger.Instance)!;

    private protected override SocketInput Open(Socket socket, IInputOwner owner) => SocketInput.Open(socket, owner, _poller).Should().BeOfType<PolledInput>().Which;

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _poller.Dispose();
    }
}
