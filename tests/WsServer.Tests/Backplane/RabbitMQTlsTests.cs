using FluentAssertions;
using WsServer.RabbitMQ;
using WsServer.Tests.Support;

namespace WsServer.Tests.Backplane;

/// <summary>Brokers that are reached by TLS, with certificates that are to be trusted and others.</summary>
public class RabbitMQTlsTests
{
    [RabbitMQFact]
    public async Task A_broker_is_trusted_by_its_authority_and_its_name_alone()
    {
        using CertificateAuthority authority = new(), stranger = new();
        await using RabbitBroker broker = await RabbitBroker.StartAsync(authority);
        string folder = Directory.CreateTempSubdirectory("tls-").FullName;
        string trusted = Path.Combine(folder, "trusted.pem"), other = Path.Combine(folder, "other.pem");
        await File.WriteAllTextAsync(trusted, authority.RootPem);
        await File.WriteAllTextAsync(other, stranger.RootPem);
        string byName = $"amqps://localhost:{broker.TlsPort}";

        await using (RecordingNode node = Start(byName, o => o.TlsAuthorities = trusted))
        {
            await node.UntilConnectedAsync();
            await node.SubscribeAsync("red");
            await node.PublishAsync("safe", "red");
            await node.UntilCountAsync(1);
            node.States.Should().Equal("new");
        }

        await using (RecordingNode node = Start(byName, o => o.TlsAuthorities = other))
        {
            await IsRefusedAsync(node);
        }

        await using (RecordingNode node = Start(byName, _ => { }))
        {
            await IsRefusedAsync(node);
        }

        await using (RecordingNode node = Start(byName, o => (o.TlsAuthorities, o.TlsServerName) = (trusted, "elsewhere")))
        {
            await IsRefusedAsync(node);
        }

        Directory.Delete(folder, recursive: true);
    }

    private static async Task IsRefusedAsync(RecordingNode node)
    {
        await Within.UntilAsync(() => node.States.Length > 0, "it is refused");
        node.States[0].Should().Contain("certificate");
    }

    private static RecordingNode Start(string uri, Action<RabbitMQOptions> configure)
    {
        var node = new RecordingNode(RabbitMQNodes.Create(uri, configure), "a");
        node.Start();
        return node;
    }
}
