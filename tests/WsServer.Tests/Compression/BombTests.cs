using System.IO.Compression;
using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Compression;

/// <summary>Little that becomes much.</summary>
public class BombTests
{
    private const int Limit = 16 * 1024 * 1024;

    // One GiB of zeroes in about one MiB: each piece ends at a byte, so that they may stand one behind the other.
    private static readonly byte[] Gibibyte = [.. Enumerable.Repeat(Mebibyte(), 1024).SelectMany(m => m)];

    [Fact]
    public void A_gibibyte_is_inflated_up_to_the_limit_and_no_further()
    {
        Gibibyte.Length.Should().BeLessThan(Limit / 8, "it is a bomb only when it is small");
        byte[] bomb = [.. Gibibyte, .. MessageInflater.Tail];

        long before = GC.GetAllocatedBytesForCurrentThread();
        int length = MessageInflater.Inflate(bomb, bomb.Length, Limit, out byte[]? inflated);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        inflated.Should().BeNull();
        length.Should().Be(0);

        // Buffers are whole powers of two: one of 32 MiB for a byte more than the limit, and those before it.
        allocated.Should().BeLessThan(5L * Limit);
    }

    [Theory]
    [InlineData(Wiring.Direct)]
    [InlineData(Wiring.Awaited)]
    [InlineData(Wiring.Piped)]
    public async Task A_client_that_sends_one_is_told_that_it_is_too_large_and_closed_with_1009(Wiring wiring)
    {
        await using EventServerHost host = await wiring.StartAsync(options: o =>
        {
            o.MaxMessageBytes = Limit;
            o.Compression = new CompressionOptions();
        });
        using RawWebSocket raw = await RawWebSocket.RequestAsync(host, "/", headers: "Sec-WebSocket-Extensions: permessage-deflate");
        await raw.ReadAsync();

        await raw.SendAsync(RawFrame.Binary, Gibibyte, reserved: 0x40);

        RawFrame error = await raw.ReadAsync();
        error.Json.GetProperty("error").GetProperty("code").GetString().Should().Be("too_large");
        (await raw.ReadAsync(RawFrame.Close)).CloseStatus.Should().Be(1009);
    }

    private static byte[] Mebibyte()
    {
        using var output = new MemoryStream();
        using var deflate = new DeflateStream(output, CompressionLevel.SmallestSize);
        deflate.Write(new byte[1024 * 1024]);
        deflate.Flush();
        return output.ToArray();
    }
}
