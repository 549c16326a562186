using System.Net;
using System.Net.Http.Headers;
using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.SocketIO.Engine;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

public class PollingTests
{
    [Fact]
    public async Task A_message_comes_back_with_the_next_poll()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        EngineResponse posted = await client.PostAsync("4hello");
        EngineResponse polled = await client.GetAsync();

        posted.Body.Should().Be("ok");
        posted.ContentType.Should().Be("text/html");
        polled.Body.Should().Be("4hello");
        polled.ContentType.Should().Be("text/plain; charset=UTF-8");
        polled.CacheControl.Should().Be("no-store");
    }

    [Theory]
    [InlineData("4test1\u001e4test2\u001e4test3")]
    [InlineData("4hello\u001ebAQIDBA==")]
    [InlineData("bAQIDBA==\u001e4\u001eb\u001ebAA==")]
    [InlineData("4€ 😀\u001e4")]
    public async Task Several_packets_come_back_in_order_in_one_poll(string body)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        (await client.PostAsync(body)).Body.Should().Be("ok");

        (await client.GetAsync()).Body.Should().Be(body);
    }

    [Fact]
    public async Task A_poll_waits_until_there_is_something()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        EngineSession session = await host.SessionAsync(client.Sid);

        Task<EngineResponse> poll = client.GetAsync();
        for (int i = 0; i < 20; i++)
        {
            // Whether the poll is there already or not, this is what it gets.
            poll.IsCompleted.Should().BeFalse();
            await Task.Yield();
        }

        await EngineHost.SendAsync(session, "now");
        (await poll).Body.Should().Be("4now");
    }

    [Theory]
    [InlineData("0")]
    [InlineData("5")]
    [InlineData("6")]
    public async Task A_packet_without_meaning_does_no_harm(string packet)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        (await client.PostAsync(packet, "4a")).Body.Should().Be("ok");

        (await client.GetAsync()).Body.Should().Be("4a");
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("4a\u001e")]
    [InlineData("4a\u001e\u001e4b")]
    [InlineData("4a\u001ex")]
    [InlineData("b@@@")]
    [InlineData("2")]
    [InlineData("2probe")]
    public async Task A_body_that_is_no_packets_ends_the_session(string body)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        (await client.PostAsync(body)).Code.Should().Be("400 3");

        (await host.EndAsync(client.Sid)).Should().Be(nameof(InvalidDataException));
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Fact]
    public async Task A_body_that_is_no_UTF8_ends_the_session()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        (await client.PostAsync(new ByteArrayContent([(byte)'4', 0xff]))).Code.Should().Be("400 3");

        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Fact]
    public async Task A_second_poll_ends_the_session()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        // Either may be the first to arrive.
        EngineResponse[] polls = await Task.WhenAll(client.GetAsync(), client.GetAsync());

        polls.Select(p => p.Status == HttpStatusCode.OK ? p.Body : p.Code).Should().BeEquivalentTo("1", "400 3");
        (await client.GetAsync()).Code.Should().Be("400 1");
        (await host.EndAsync(client.Sid)).Should().Be(nameof(InvalidDataException));
    }

    [Fact]
    public async Task A_second_post_ends_the_session()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        var slow = new SlowContent("4a");
        Task<EngineResponse> first = client.PostAsync(slow);
        await Within.TimeAsync(slow.Started, "the first post");
        await PostingAsync(await host.SessionAsync(client.Sid));

        (await client.PostAsync("4b")).Code.Should().Be("400 3");

        slow.Finish();
        (await first).Code.Should().Be("400 1");
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Fact]
    public async Task A_post_of_bytes_is_refused()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        var content = new ByteArrayContent([1, 2, 3]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");

        (await client.PostAsync(content)).Code.Should().Be("400 3");
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    public async Task Another_method_is_refused(string method)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        (await client.RequestAsync($"EIO=4&transport=polling&sid={client.Sid}", method)).Status.Should().Be(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_that_is_too_large_is_refused_and_the_session_goes_on(bool isChunked)
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        string largest = "4" + new string('x', 9_999);

        HttpContent content = new StringContent(largest + "x");
        if (isChunked)
        {
            var slow = new SlowContent(largest + "x");
            slow.Finish();
            content = slow;
        }

        EngineResponse refused = await client.PostAsync(content);
        refused.Status.Should().Be(HttpStatusCode.RequestEntityTooLarge);

        (await client.PostAsync(largest)).Body.Should().Be("ok");
        (await client.GetAsync()).Body.Should().Be(largest);
    }

    [Fact]
    public async Task A_post_that_is_broken_off_ends_the_session()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        var slow = new SlowContent("4a");
        using var abort = new CancellationTokenSource();
        Task<EngineResponse> post = client.PostAsync(slow, abort.Token);
        await PostingAsync(await host.SessionAsync(client.Sid));

        await abort.CancelAsync();

        (await host.EndAsync(client.Sid)).Should().Be(nameof(IOException));
        (await client.GetAsync()).Code.Should().Be("400 1");
        await post.Invoking(p => p).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task A_poll_that_is_broken_off_ends_the_session()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);
        using var abort = new CancellationTokenSource();
        Task<EngineResponse> poll = client.GetAsync(abort.Token);
        EngineSession session = await host.SessionAsync(client.Sid);
        await Within.UntilAsync(() => session.IsPolled, "the poll is there");

        await abort.CancelAsync();

        (await host.EndAsync(client.Sid)).Should().Be(nameof(IOException));
        (await client.GetAsync()).Code.Should().Be("400 1");
        await poll.Invoking(p => p).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task A_client_that_says_goodbye_gets_its_poll_answered()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        // Whichever arrives first.
        Task<EngineResponse> poll = client.GetAsync();
        (await client.PostAsync("1")).Body.Should().Be("ok");

        (await poll).Body.Should().Be("6");
        (await host.EndAsync(client.Sid)).Should().Be("closed");
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Fact]
    public async Task A_goodbye_without_a_poll_waits_for_one_and_not_for_long()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        Task<EngineResponse> post = client.PostAsync("1");
        (await host.EndAsync(client.Sid)).Should().Be("closed");
        await host.AdvanceUntilAsync(post);

        (await post).Body.Should().Be("ok");
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Fact]
    public async Task A_poll_that_comes_a_moment_behind_a_goodbye_is_answered()
    {
        await using EngineHost host = await EngineHost.StartAsync();
        using EngineClient client = await EngineClient.OpenAsync(host);

        Task<EngineResponse> post = client.PostAsync("1");
        (await host.EndAsync(client.Sid)).Should().Be("closed");

        (await client.GetAsync()).Body.Should().Be("6");
        (await post).Body.Should().Be("ok");
        (await client.GetAsync()).Code.Should().Be("400 1");
    }

    [Fact]
    public async Task What_a_client_says_before_its_goodbye_is_heard()
    {
        var heard = new List<string>();
        await using EngineHost host = await EngineHost.StartAsync(async session =>
        {
            TransportMessage message;
            while ((message = await session.ReceiveAsync(CancellationToken.None)).Kind == TransportMessageKind.Text)
            {
                heard.Add(Encoding.UTF8.GetString(message.Payload.Span));
            }
        });
        using EngineClient client = await EngineClient.OpenAsync(host);

        Task<EngineResponse> poll = client.GetAsync();
        (await client.PostAsync("4a", "4b", "1", "4c")).Body.Should().Be("ok");

        (await poll).Body.Should().Be("6");
        (await host.EndAsync(client.Sid)).Should().Be("closed");
        heard.Should().Equal("4a", "4b");
    }

    [Fact]
    public async Task A_post_is_answered_when_the_server_has_dealt_with_its_packets()
    {
        var goOn = new TaskCompletionSource();
        await using EngineHost host = await EngineHost.StartAsync(async session =>
        {
            while ((await session.ReceiveAsync(CancellationToken.None)).Kind == TransportMessageKind.Text)
            {
                await EngineHost.SendAsync(session, "begun");
                await goOn.Task;
            }
        });
        using EngineClient client = await EngineClient.OpenAsync(host);

        Task<EngineResponse> post = client.PostAsync("4a");
        (await client.GetAsync()).Body.Should().Be("4begun");
        post.IsCompleted.Should().BeFalse();

        goOn.SetResult();
        (await post).Body.Should().Be("ok");
    }

    [Fact]
    public async Task What_does_not_fit_waits_for_the_next_poll_and_everything_comes_once_and_in_order()
    {
        var sent = new List<string>();
        var done = new TaskCompletionSource();
        await using EngineHost host = await EngineHost.StartAsync(async session =>
        {
            for (int i = 0; i < 300; i++)
            {
                sent.Add($"{i} {new string('x', 1_000)}");
                await EngineHost.SendAsync(session, sent[i]);
            }

            done.SetResult();
            await session.ReceiveAsync(CancellationToken.None);
        });
        using EngineClient client = await EngineClient.OpenAsync(host);
        await Within.UntilAsync(() => sent.Count > 60, "the server has sent what fits");
        done.Task.IsCompleted.Should().BeFalse();

        List<string> received = await client.GetPacketsAsync(300);

        received.Should().Equal(sent.Select(s => "4" + s));
        await Within.TimeAsync(done.Task, "the server's last message");
    }

    [Fact]
    public async Task A_message_longer_than_the_buffer_still_passes()
    {
        await using EngineHost host = await EngineHost.StartAsync(async session =>
        {
            byte[] large = [.. Enumerable.Repeat((byte)7, 300_000)];
            await session.SendAsync(new[] { EncodedPacket.Create(large, isBinary: true), EncodedPacket.Create("4end"u8, isBinary: false) }, CancellationToken.None);
            await session.ReceiveAsync(CancellationToken.None);
        });
        using EngineClient client = await EngineClient.OpenAsync(host);

        List<string> packets = await client.GetPacketsAsync(2);

        Convert.FromBase64String(packets[0][1..]).Should().HaveCount(300_000).And.OnlyContain(b => b == 7);
        packets[1].Should().Be("4end");
    }

    private static Task PostingAsync(EngineSession session) => Within.UntilAsync(() => session.IsPosting, "the post is there");

    /// <summary>A body that goes out in chunks, the last when the test says so.</summary>
    private sealed class SlowContent(string text) : HttpContent
    {
        private readonly TaskCompletionSource _started = new();
        private readonly TaskCompletionSource _finish = new();

        public Task Started => _started.Task;

        public void Finish() => _finish.SetResult();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => WriteAsync(stream, CancellationToken.None);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) => WriteAsync(stream, cancellationToken);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        private async Task WriteAsync(Stream stream, CancellationToken cancellationToken)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            await stream.WriteAsync(bytes.AsMemory(..1), cancellationToken);
            await stream.FlushAsync(cancellationToken);
            _started.TrySetResult();
            await _finish.Task.WaitAsync(cancellationToken);
            await stream.WriteAsync(bytes.AsMemory(1..), cancellationToken);
        }
    }
}
