using System.Buffers;
using System.IO.Pipelines;
using FluentAssertions;
using Microsoft.Extensions.Logging.Abstractions;
using WsServer.Connections;
using WsServer.Hosting;
using WsServer.Polling;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Hosting;

/// <summary>A socket that HTTP's reader has read, and then another.</summary>
public abstract class SocketPipeReaderTests : IAsyncLifetime, IDisposable, IInputOwner
{
    private const int PipeBytes = 10_000;

    private SocketPair _pair = null!;
    private SocketInput _socket = null!;
    private HttpPipeReader _http = null!;
    private SocketPipeReader _reader = null!;
    private int _ends;

    private protected virtual Poller? Poller => null;

    Exception? IInputOwner.CloseReason => null;

    public async Task InitializeAsync()
    {
        _pair = await SocketPair.ConnectAsync();
        _socket = SocketInput.Open(_pair.Server, this, Poller);
        _http = new HttpPipeReader(_socket, HttpPipeReader.CreateOptions(MemoryPool<byte>.Shared, PipeBytes));
        _reader = new SocketPipeReader(_socket, _http);
        _http.Start();
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _socket.CloseSocket(isReset: true);
        _pair.Dispose();
        _socket.Dispose();
        Poller?.Dispose();
        GC.SuppressFinalize(this);
    }

    void IInputOwner.InputIsOver() => _ends++;

    [Fact]
    public async Task What_HTTP_has_not_taken_comes_first_and_what_follows_after_it()
    {
        await _pair.Client.SendAsync(Numbers(0, 10));
        ReadResult request = await Within.TimeAsync(_http.ReadAsync().AsTask(), "the request");
        _http.AdvanceTo(request.Buffer.GetPosition(4));

        (await TakeAsync()).Should().Equal(Numbers(4, 6));
        Task<byte[]> next = TakeAsync();
        next.IsCompleted.Should().BeFalse();
        await _pair.Client.SendAsync(Numbers(10, 5));
        (await next).Should().Equal(Numbers(10, 5));
    }

    [Fact]
    public async Task Afterwards_HTTP_reads_that_it_is_over_and_holds_nothing_up()
    {
        ValueTask<ReadResult> taking = _reader.ReadAsync();

        ReadResult nothing = await Within.TimeAsync(_http.ReadAsync().AsTask(), "the end");
        nothing.Should().Match<ReadResult>(r => r.IsCompleted && r.Buffer.IsEmpty);
        _http.AdvanceTo(nothing.Buffer.Start, nothing.Buffer.End);
        _http.TryRead(out nothing).Should().BeTrue();
        nothing.IsCompleted.Should().BeTrue();
        _http.CancelPendingRead();
        await _http.CompleteAsync();
        _http.Filling.IsCompleted.Should().BeTrue();
        taking.IsCompleted.Should().BeFalse("the cancellation was HTTP's");
    }

    [Fact]
    public async Task More_than_the_pipe_takes_is_read_whole_whoever_begins()
    {
        byte[] all = Numbers(0, 3_000_000);
        Task sending = _pair.Client.SendAsync(all);
        await Within.UntilAsync(() => _http.TryRead(out ReadResult read) && Seen(read) >= PipeBytes, "the pipe is full");

        byte[] read = await ReadAllAsync(all.Length);

        read.AsSpan().SequenceEqual(all).Should().BeTrue();
        await sending;
    }

    [Fact]
    public async Task The_end_and_what_came_before_it_are_read_if_HTTP_has_met_it()
    {
        await _pair.Client.SendAsync(Numbers(0, 3));
        _pair.Client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await Within.TimeAsync(_http.Filling, "HTTP's end");

        ReadResult read = await ReadAsync();
        read.Buffer.ToArray().Should().Equal(Numbers(0, 3));
        _reader.AdvanceTo(read.Buffer.End);
        (await ReadAsync()).Should().Match<ReadResult>(r => r.IsCompleted && r.Buffer.IsEmpty);
        _ends.Should().Be(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_is_thrown_whichever_of_them_has_met_it(bool isHttp)
    {
        if (isHttp)
        {
            _pair.Reset();
            await Within.TimeAsync(_http.Filling, "HTTP's end");
        }

        Task<ReadResult> reading = ReadAsync();
        _pair.Reset();

        await reading.Awaiting(r => r).Should().ThrowAsync<IOException>();
        await this.Awaiting(t => t.ReadAsync()).Should().ThrowAsync<IOException>();
    }

    [Fact]
    public async Task What_was_not_consumed_comes_again_with_what_is_new_and_what_was_not_examined_at_once()
    {
        await TakeOverAsync();
        await _pair.SendAsync(Numbers(0, 10));
        ReadResult read = await ReadAsync();
        _reader.AdvanceTo(read.Buffer.GetPosition(3), read.Buffer.GetPosition(5));
        read = await ReadAsync();
        read.Buffer.ToArray().Should().Equal(Numbers(3, 7));
        _reader.AdvanceTo(read.Buffer.GetPosition(2), read.Buffer.End);

        Task<ReadResult> next = ReadAsync();
        next.IsCompleted.Should().BeFalse();
        await _pair.Client.SendAsync(Numbers(10, 2));
        (await next).Buffer.ToArray().Should().Equal(Numbers(5, 7));
    }

    [Fact]
    public async Task A_reader_that_consumes_nothing_gets_everything_in_one_piece()
    {
        await TakeOverAsync();
        byte[] all = Numbers(0, 300_000);
        Task sending = _pair.Client.SendAsync(all);
        ReadResult read = await ReadAsync();
        while (read.Buffer.Length < all.Length)
        {
            read.Buffer.IsSingleSegment.Should().BeTrue();
            _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            read = await ReadAsync();
        }

        read.Buffer.FirstSpan.SequenceEqual(all).Should().BeTrue();
        await sending;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cancelled_read_says_so_and_the_next_one_goes_on(bool isBefore)
    {
        if (!isBefore)
        {
            await TakeOverAsync();
        }

        _reader.CancelPendingRead();
        (await ReadAsync()).IsCanceled.Should().BeTrue();
        Task<ReadResult> pending = ReadAsync();
        pending.IsCompleted.Should().BeFalse();
        _reader.CancelPendingRead();
        (await pending).IsCanceled.Should().BeTrue();

        pending = ReadAsync();
        await _pair.Client.SendAsync(Numbers(0, 3));
        (await pending).Buffer.ToArray().Should().Equal(Numbers(0, 3));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_token_ends_a_read(bool isFirst)
    {
        if (!isFirst)
        {
            await TakeOverAsync();
        }

        using var ending = new CancellationTokenSource();
        Task<ReadResult> reading = _reader.ReadAsync(ending.Token).AsTask();
        reading.IsCompleted.Should().BeFalse();
        ending.Cancel();

        await Within.TimeAsync(reading.Awaiting(r => r).Should().ThrowAsync<OperationCanceledException>(), "the end of the read");
    }

    // HTTP's reader lets go with the first read, which is given up.
    private async Task TakeOverAsync()
    {
        Task<ReadResult> first = ReadAsync();
        _reader.CancelPendingRead();
        (await first).IsCanceled.Should().BeTrue();
    }

    private Task<ReadResult> ReadAsync() => Within.TimeAsync(_reader.ReadAsync().AsTask(), "something to read");

    private async Task<byte[]> TakeAsync()
    {
        ReadResult read = await ReadAsync();
        byte[] bytes = read.Buffer.ToArray();
        _reader.AdvanceTo(read.Buffer.End);
        return bytes;
    }

    private async Task<byte[]> ReadAllAsync(int count)
    {
        var all = new MemoryStream();
        while (all.Length < count)
        {
            all.Write(await TakeAsync());
        }

        return all.ToArray();
    }

    private long Seen(ReadResult read)
    {
        long length = read.Buffer.Length;
        _http.AdvanceTo(read.Buffer.Start);
        return length;
    }

    private static byte[] Numbers(int from, int count) => [.. Enumerable.Range(from, count).Select(i => (byte)(i * 7))];
}

/// <summary>With the runtime, which waits for the socket.</summary>
public sealed class RuntimeSocketPipeReaderTests : SocketPipeReaderTests;

/// <summary>With a loop of the server's own.</summary>
public sealed class PolledSocketPipeReaderTests : SocketPipeReaderTests
{
    private protected override Poller? Poller { get; } = Poller.TryStart(1, NullLogger.Instance)!;
}
