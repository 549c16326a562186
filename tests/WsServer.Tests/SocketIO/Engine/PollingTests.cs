using System.Net;
using FluentAssertions;
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
        await Within.UntilAsync(() => session.IsPolled, "the poll is there");
        poll.IsCompleted.Should().BeFalse();

        await EngineHost.SendAsync(session, "now");
        (await poll).Body.Should().Be("4now");
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
}
