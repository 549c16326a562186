using System.Net;
using System.Net.Sockets;
using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Connections;

public sealed class LineTransportTests : IAsyncLifetime, IDisposable
{
    private const int Limit = 100;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly TcpClient _client = new();
    private LineTransport _transport = null!;

    public async Task InitializeAsync()
    {
        _listener.Start();
        await _client.ConnectAsync((IPEndPoint)_listener.LocalEndpoint);
        _transport = new LineTransport(await _listener.AcceptSocketAsync(), Limit);
    }

    public Task DisposeAsync() => _transport.DisposeAsync().AsTask();

    public void Dispose()
    {
        _client.Dispose();
        _listener.Dispose();
    }

    [Fact]
    public async Task A_line_at_the_limit_passes_and_one_past_it_is_too_large()
    {
        await WriteAsync(new string('x', Limit) + "\n" + new string('y', Limit + 1) + "\n");
        TransportMessage first = await ReceiveAsync();
        first.Kind.Should().Be(TransportMessageKind.Text);
        first.Payload.Length.Should().Be(Limit);
        (await ReceiveAsync()).Kind.Should().Be(TransportMessageKind.TooLarge);
    }

    [Fact]
    public async Task A_line_without_end_is_too_large_before_it_has_all_come()
    {
        await WriteAsync(new string('x', 10 * Limit));
        (await ReceiveAsync()).Kind.Should().Be(TransportMessageKind.TooLarge);
    }

    [Fact]
    public async Task The_end_of_the_stream_is_the_end_and_half_a_line_before_it_is_nothing()
    {
        await WriteAsync("whole\nhalf");
        _client.Client.Shutdown(SocketShutdown.Send);
        Encoding.UTF8.GetString((await ReceiveAsync()).Payload.Span).Should().Be("whole");
        (await ReceiveAsync()).Kind.Should().Be(TransportMessageKind.Closed);
    }

    [Fact]
    public async Task Line_breaks_within_relayed_json_do_not_end_the_line()
    {
        EncodedPacket packet = EncodedPacket.Create("{\"event\":\"x\",\"data\":[1,\n2]}"u8, isBinary: false);
        await _transport.SendAsync(new[] { packet, packet }, CancellationToken.None);
        using var reader = new StreamReader(_client.GetStream(), leaveOpen: true);
        for (int i = 0; i < 2; i++)
        {
            Task<string?> line = reader.ReadLineAsync();
            (await Within.TimeAsync(line, "the line")).Should().Be("""{"event":"x","data":[1, 2]}""");
        }
    }

    private Task WriteAsync(string text) => _client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask();

    private Task<TransportMessage> ReceiveAsync() => Within.TimeAsync(_transport.ReceiveAsync(CancellationToken.None).AsTask(), "a line");
}
