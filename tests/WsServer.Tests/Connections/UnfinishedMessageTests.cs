using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>Clients that begin a message and give no more than signs of life from then on.</summary>
public class UnfinishedMessageTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly FramedClient _client = new(tellsControls: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_connection_ends_when_the_rest_has_not_come_in_time_whatever_pongs_did(bool isFragment)
    {
        await using var server = new InMemoryServer(time: _client.Time);
        Task<DisconnectReason> running = server.Io.RunAsync(_client.Transport);
        await PassAsync(10);
        await BeginAsync(isFragment);
        long begun = _client.Transport.Begun;

        await PassAsync(44, isFragment);
        running.IsCompleted.Should().BeFalse();
        _client.Transport.Begun.Should().Be(begun);
        _client.Time.Advance(Second);

        await Within.UntilAsync(() => _client.Output.Frames.Any(f => f.Opcode == RawFrame.Close), "the goodbye");
        RawFrame[] last = [.. _client.Output.Frames.TakeLast(2)];
        last[0].Json.GetProperty("error").GetProperty("code").GetString().Should().Be("timeout");
        last[1].CloseStatus.Should().Be(1008);
        _client.End();
        (await Within.TimeAsync(running, "the end")).Should().Be(DisconnectReason.PingTimeout);
    }

    [Fact]
    public async Task Each_message_has_the_whole_time()
    {
        await using var server = new InMemoryServer(time: _client.Time);
        int handled = 0;
        server.Io.On("e", _ => handled++);
        Task<DisconnectReason> running = server.Io.RunAsync(_client.Transport);
        for (int i = 1; i <= 3; i++)
        {
            await BeginAsync(isFragment: true);
            await PassAsync(44);

            // The rest of this message and the first of the next in one piece: there is no moment without one.
            _client.Send([.. ClientFrame.Encode(RawFrame.Continuation, "\"e\"}"u8.ToArray()), .. ClientFrame.Encode(RawFrame.Text, "{\"event\":"u8.ToArray(), isFinal: false)]);
            await Within.UntilAsync(() => handled == i, "the message is handled");
            await PassAsync(44);
            running.IsCompleted.Should().BeFalse();
            _client.Send(ClientFrame.Encode(RawFrame.Continuation, "1}"u8.ToArray()));
            await Within.UntilAsync(() => _client.Transport.Begun == 0, "the message is there");
        }

        await PassAsync(100);
        running.IsCompleted.Should().BeFalse();
        _client.End();
        await Within.TimeAsync(running, "the end");
    }

    [Fact]
    public async Task The_time_does_not_count_while_the_server_itself_does_not_read()
    {
        await using var server = new InMemoryServer(o => o.MaxQueuedEvents = 1, _client.Time);
        var goOn = new TaskCompletionSource();
        int handled = 0;
        server.Io.On("e", async (EventSocket _, string _) =>
        {
            await goOn.Task;
            handled++;
        });
        Task<DisconnectReason> running = server.Io.RunAsync(_client.Transport);
        // One runs, and the other waits; the fragment behind them is read, and nothing more.
        for (int i = 0; i < 2; i++)
        {
            _client.Send(ClientFrame.Text("""{"event":"e","data":""}"""));
        }

        await BeginAsync(isFragment: true);
        for (int i = 0; i < 100; i++)
        {
            _client.Time.Advance(Second);
        }

        running.IsCompleted.Should().BeFalse();
        goOn.SetResult();
        await Within.UntilAsync(() => handled == 2, "the server reads again");
        await PassAsync(44);
        running.IsCompleted.Should().BeFalse();
        _client.Send(ClientFrame.Encode(RawFrame.Continuation, "\"e\",\"data\":\"\"}"u8.ToArray()));
        await Within.UntilAsync(() => handled == 3, "the message is handled");
        _client.End();
        await Within.TimeAsync(running, "the end");
    }

    [Fact]
    public async Task Fragments_are_told_as_they_come_and_the_whole_says_how_much_of_it_was()
    {
        _client.Send(
            ClientFrame.Encode(RawFrame.Text, "abc"u8.ToArray(), isFinal: false),
            ClientFrame.Encode(RawFrame.Ping, []),
            ClientFrame.Encode(RawFrame.Continuation, "defg"u8.ToArray(), isFinal: false),
            ClientFrame.Encode(RawFrame.Continuation, "hi"u8.ToArray()),
            ClientFrame.Text("alone"));

        await ExpectAsync(TransportMessageKind.Control, "abc", 0);
        await ExpectAsync(TransportMessageKind.Control, "", 0);
        await ExpectAsync(TransportMessageKind.Control, "defg", 0);
        await ExpectAsync(TransportMessageKind.Text, "abcdefghi", 7);
        await ExpectAsync(TransportMessageKind.Text, "alone", 0);
    }

    [Fact]
    public async Task Who_is_told_of_no_controls_is_told_of_no_fragments()
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Encode(RawFrame.Text, "abc"u8.ToArray(), isFinal: false), ClientFrame.Encode(RawFrame.Continuation, "def"u8.ToArray()));

        TransportMessage message = await client.ReceiveAsync();

        (Encoding.UTF8.GetString(message.Payload.Span), message.ToldBytes).Should().Be(("abcdef", 0));
    }

    private async Task ExpectAsync(TransportMessageKind kind, string payload, int toldBytes)
    {
        TransportMessage message = await _client.ReceiveAsync();
        (message.Kind, Encoding.UTF8.GetString(message.Payload.Span), message.ToldBytes).Should().Be((kind, payload, toldBytes));
    }

    // As a fragment, or as a frame that is not whole.
    private async Task BeginAsync(bool isFragment)
    {
        byte[] frame = ClientFrame.Encode(RawFrame.Text, Encoding.UTF8.GetBytes(isFragment ? "{\"event\":" : new string(' ', 1_000)), isFinal: !isFragment);
        _client.Send(isFragment ? frame : frame[..500]);
        await Within.UntilAsync(() => _client.Transport.Begun != 0, "the message has begun");
    }

    // Lets time go by for a client that answers pings, if it can.
    private async Task PassAsync(int seconds, bool canPong = true)
    {
        for (int i = 0; i < seconds; i++)
        {
            _client.Time.Advance(Second);
            if (canPong)
            {
                _client.Send(ClientFrame.Encode(RawFrame.Pong, []));
                await Within.UntilAsync(() => _client.Transport.LastReceived == _client.Time.GetTimestamp(), "the pong is there");
            }
            else
            {
                // More of the frame, which is as good a sign of life.
                _client.Send(new byte[1]);
                await Within.UntilAsync(() => _client.Transport.LastReceived == _client.Time.GetTimestamp(), "the byte is there");
            }
        }
    }
}
