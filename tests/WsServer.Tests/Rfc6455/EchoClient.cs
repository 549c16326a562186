using System.Text;
using FluentAssertions;
using WsServer.Tests.Support;

namespace WsServer.Tests.Rfc6455;

/// <summary>A client of <see cref="EchoServers"/> that sends bytes as they are.</summary>
internal sealed class EchoClient(RawWebSocket raw) : IDisposable
{
    public string? Extensions => raw.Headers.GetValueOrDefault("sec-websocket-extensions");

    /// <summary>Sends bytes, at most so many with each write.</summary>
    public async Task SendAsync(byte[] bytes, int chop = int.MaxValue)
    {
        for (int at = 0; at < bytes.Length;)
        {
            int count = Math.Min(chop, bytes.Length - at);
            await raw.SendBytesAsync(bytes[at..(at + count)]);
            at += count;
        }
    }

    public Task SendFrameAsync(int opcode, byte[] payload, bool isFinal = true, int reserved = 0) => SendAsync(ClientFrame.Encode(opcode, payload, isFinal, reserved));

    public Task<RawFrame> ReadAsync() => raw.ReadAsync();

    /// <summary>Reads a message and compares it.</summary>
    public async Task ShouldGetAsync(int opcode, byte[] payload)
    {
        RawFrame frame = await raw.ReadAsync();
        frame.Opcode.Should().Be(opcode);
        frame.IsFinal.Should().BeTrue();
        frame.Reserved.Should().Be(0);

        // Of 16 MiB, FluentAssertions would compare each byte.
        frame.Payload.AsSpan().SequenceEqual(payload).Should().BeTrue($"the {payload.Length} bytes are those that were sent");
    }

    /// <summary>The next frame is a close with this code; then the connection ends, once the client has gone too.</summary>
    public async Task ShouldBeClosedAsync(int status)
    {
        RawFrame frame = await raw.ReadAsync();
        frame.Opcode.Should().Be(RawFrame.Close);
        frame.IsFinal.Should().BeTrue();
        frame.Reserved.Should().Be(0);
        frame.CloseStatus.Should().Be(status);
        await raw.EndSendingAsync();
        (await raw.TryReadAsync()).Should().BeNull("nothing follows a close");
    }

    /// <summary>The connection still works.</summary>
    public async Task ShouldLiveAsync()
    {
        byte[] payload = Encoding.UTF8.GetBytes("still here €");
        await SendFrameAsync(RawFrame.Text, payload);
        await ShouldGetAsync(RawFrame.Text, payload);
    }

    public void Dispose() => raw.Dispose();
}
