using System.Net.Sockets;
using FluentAssertions;
using WsServer.Tests.Support;

namespace WsServer.Tests.EndToEnd;

/// <summary>The application with fewer file descriptors than it has clients.</summary>
public class AcceptingTests
{
    private const int Descriptors = 320;

    [ProcessFact]
    public async Task A_server_without_descriptors_goes_on_when_there_are_some_again()
    {
        await using App app = await App.StartWithDescriptorsAsync(Descriptors);
        using (RawHttp first = await RawHttp.ConnectAsync(app.Address))
        {
            (await first.GetAsync("/")).Status.Should().Be(200);
        }

        var crowd = new List<Socket>();
        try
        {
            for (int i = 0; i < Descriptors; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                crowd.Add(socket);
                await socket.ConnectAsync("127.0.0.1", app.Address.Port);
            }

            await app.Process.WaitForLineAsync("Accepting connections at 127.0.0.1:");
            using RawHttp waiting = await RawHttp.ConnectAsync(app.Address);
            await waiting.SendAsync(RawHttp.Get("/"));
            crowd.ForEach(s => s.Dispose());

            (await waiting.ReadAsync()).Status.Should().Be(200);
        }
        finally
        {
            crowd.ForEach(s => s.Dispose());
        }

        await app.StopAsync();
    }
}
