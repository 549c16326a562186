using FluentAssertions;
using WsServer.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests;

/// <summary>A transport of the application's own for which there is no place any more.</summary>
public class RefusedTransportTests
{
    [Fact]
    public async Task A_transport_over_the_connection_limit_is_told_so_and_disposed()
    {
        await using var server = new InMemoryServer(o => o.MaxConnections = 1);
        await server.ConnectAsync();
        TransportPair refused = server.Start();
        (await refused.Goodbye).Should().Be(new TransportClose(1013, "too many connections"));
        (await refused.Running.WaitAsync(TransportPair.Patience)).Should().Be(DisconnectReason.ServerNamespaceDisconnect);
        refused.IsDisposed.Should().BeTrue();
        server.Io.ConnectionCount.Should().Be(1);
    }

    [Fact]
    public async Task A_refused_transport_is_disposed_also_when_it_cannot_say_goodbye()
    {
        await using var server = new InMemoryServer(o => o.MaxConnections = 1);
        await server.ConnectAsync();
        TransportPair refused = server.Start(transport: new TransportPair { CloseFault = new IOException("The client is gone.") });
        await refused.Running.WaitAsync(TransportPair.Patience);
        refused.IsDisposed.Should().BeTrue();
    }
}
