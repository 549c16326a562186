using System.Net;
using System.Net.Http.Headers;
using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.SocketIO.Engine;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO.Engine;

public class PostTests
{
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
