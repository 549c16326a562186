using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Dispatch;

/// <summary>Code of the program that runs for an event, and is no handler of the namespace, may block as well.</summary>
public class BlockingOwnHandlerTests
{
    [Theory]
    [InlineData("a handler of the socket's own")]
    [InlineData("middleware")]
    [InlineData("OnAny of the namespace")]
    [InlineData("OnAny of the socket")]
    public async Task While_it_blocks_the_client_is_read(string what)
    {
        using var blocked = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        await using Asker asker = await Asker.StartAsync(io =>
        {
            switch (what)
            {
                case "a handler of the socket's own":
                    io.OnConnection(socket => { socket.On("block", _ => Block()); });
                    break;
                case "middleware":
                    io.UseEvents(async (_, next) =>
                    {
                        Block();
                        await next();
                    });
                    break;
                case "OnAny of the namespace":
                    io.OnAny((_, _) => Block());
                    break;
                default:
                    io.OnConnection(socket => socket.OnAny((_, _) => Block()));
                    break;
            }
        });

        asker.Client.Send("""{"event":"block","id":1}""");
        (await blocked.WaitAsync(Within.Reason)).Should().BeTrue();
        asker.Client.Send("""{"ping":1}""");
        try
        {
            (await asker.Client.ReceiveTextAsync().WaitAsync(TimeSpan.FromSeconds(5))).Should().Be("""{"pong":1}""");
        }
        finally
        {
            release.Release();
        }

        (await asker.Client.ReceiveTextAsync()).Should().StartWith("""{"ack":1""");

        void Block()
        {
            blocked.Release();
            release.Wait(Within.Reason).Should().BeTrue();
        }
    }
}
