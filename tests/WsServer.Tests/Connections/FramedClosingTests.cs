using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>The goodbyes of a <see cref="FramedWebSocketTransport"/>: the client's, its own, and those over broken frames.</summary>
public class FramedClosingTests
{
    [Theory]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(1002)]
    [InlineData(1003)]
    [InlineData(1007)]
    [InlineData(1011)]
    [InlineData(1014)]
    [InlineData(3000)]
    [InlineData(4999)]
    public async Task The_clients_close_is_answered_with_its_code(int status)
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Encode(RawFrame.Close, [(byte)(status >> 8), (byte)status, .. "Grüße"u8]), ClientFrame.Text("too late"));

        (await client.ReceiveAsync()).Kind.Should().Be(TransportMessageKind.Closed);
        client.Output.WrittenBytes.Should().Be(0, "the connection says goodbye when it has sent the rest");
        await client.CloseAsync(1000, "transport_close");

        client.Output.Frames.Should().ContainSingle().Which.Payload.Should().Equal((byte)(status >> 8), (byte)status);
    }

    [Fact]
    public async Task Breaking_off_ends_the_receive_that_waits_and_any_later_one()
    {
        var client = new FramedClient();
        Task<TransportMessage> waiting = client.ReceiveAsync();
        client.Transport.Abort();

        await waiting.Invoking(w => w).Should().ThrowAsync<OperationCanceledException>();
        client.Send(ClientFrame.Text("too late"));
        await client.Invoking(c => c.ReceiveAsync()).Should().ThrowAsync<OperationCanceledException>();
        await client.Transport.DisposeAsync();
        client.Aborts.Should().Be(1);
    }

    [Fact]
    public async Task A_close_without_a_code_is_answered_with_1000()
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Encode(RawFrame.Close, []));
        (await client.ReceiveAsync()).Kind.Should().Be(TransportMessageKind.Closed);

        await client.CloseAsync(1000, "transport_close");

        client.Output.Frames.Should().ContainSingle().Which.CloseStatus.Should().Be(1000);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(999)]
    [InlineData(1004)]
    [InlineData(1005)]
    [InlineData(1006)]
    [InlineData(1015)]
    [InlineData(2999)]
    [InlineData(5000)]
    [InlineData(65535)]
    public async Task A_close_with_a_code_that_no_frame_may_have_is_refused_with_1002(int status) =>
        await ShouldBeRefusedAsync(1002, ClientFrame.Encode(RawFrame.Close, [(byte)(status >> 8), (byte)status]));

    [Fact]
    public async Task A_close_with_half_a_code_is_refused_with_1002() => await ShouldBeRefusedAsync(1002, ClientFrame.Encode(RawFrame.Close, [3]));

    [Fact]
    public async Task A_close_with_a_reason_that_is_no_utf8_is_refused_with_1007() =>
        await ShouldBeRefusedAsync(1007, ClientFrame.Encode(RawFrame.Close, [0x03, 0xe8, 0xc0, 0xaf]));

    [Fact]
    public async Task A_broken_frame_is_refused_with_its_status() => await ShouldBeRefusedAsync(1002, ClientFrame.Encode(3, []));

    [Fact]
    public async Task A_text_that_is_no_utf8_is_refused_with_1007() => await ShouldBeRefusedAsync(1007, ClientFrame.Encode(RawFrame.Text, [0xff]));

    [Fact]
    public async Task After_a_broken_frame_the_close_waits_until_the_client_has_gone()
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Encode(3, []), ClientFrame.Text("and on"));
        await client.Invoking(c => c.ReceiveAsync()).Should().ThrowAsync<InvalidDataException>();

        Task closing = client.CloseAsync(1002);
        client.Send(ClientFrame.Text("and on"));
        closing.IsCompleted.Should().BeFalse();
        client.End();
        await Within.TimeAsync(closing, "the close");

        client.Output.Frames.Should().ContainSingle().Which.Opcode.Should().Be(RawFrame.Close);
    }

    [Fact]
    public async Task After_the_servers_own_goodbye_a_broken_frame_is_answered_with_none()
    {
        var client = new FramedClient();
        await client.CloseAsync(1001, "shutting down");
        client.Send(ClientFrame.Text("still here"), ClientFrame.Encode(3, []));

        (await client.ReceiveTextAsync()).Should().Be("still here");
        await client.Invoking(c => c.ReceiveAsync()).Should().ThrowAsync<InvalidDataException>();

        RawFrame close = client.Output.Frames.Should().ContainSingle().Subject;
        close.CloseStatus.Should().Be(1001);
        Encoding.UTF8.GetString(close.Payload.AsSpan(2)).Should().Be("shutting down");
    }

    [Fact]
    public async Task After_the_goodbye_pings_are_not_answered_and_the_clients_goodbye_is_the_end()
    {
        var client = new FramedClient();
        await client.CloseAsync(1000);
        client.Send(ClientFrame.Encode(RawFrame.Ping, [1]), ClientFrame.Encode(RawFrame.Close, [0x03, 0xe8]));

        (await client.ReceiveAsync()).Kind.Should().Be(TransportMessageKind.Closed);
        client.Output.Frames.Should().ContainSingle().Which.Opcode.Should().Be(RawFrame.Close);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("short", 5)]
    [InlineData("a", 123, 200)]
    [InlineData("é", 122, 100)]
    [InlineData("😀", 120, 100)]
    public async Task A_long_description_is_cut_at_the_end_of_a_character(string text, int expectedBytes, int times = 1)
    {
        var client = new FramedClient();
        string description = string.Concat(Enumerable.Repeat(text, times));
        await client.CloseAsync(4000, description);

        RawFrame close = client.Output.Frames.Single();
        close.CloseStatus.Should().Be(4000);
        close.Payload.Should().HaveCount(2 + expectedBytes);
        description.Should().StartWith(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(close.Payload.AsSpan(2)));
    }

    private static async Task ShouldBeRefusedAsync(int status, byte[] frame)
    {
        var client = new FramedClient();
        client.Send(ClientFrame.Text("before"), frame);
        (await client.ReceiveTextAsync()).Should().Be("before");

        await client.Invoking(c => c.ReceiveAsync()).Should().ThrowAsync<InvalidDataException>();

        RawFrame close = client.Output.Frames.Should().ContainSingle().Subject;
        close.Opcode.Should().Be(RawFrame.Close);
        close.CloseStatus.Should().Be(status);
    }
}
