using WsServer.Backplane;
using Xunit;

namespace WsServer.Tests.Backplane;

[NeedsRabbitMQ]
[Collection(nameof(SharedBroker))]
public class RabbitMQBackplaneTests(SharedBroker shared) : BackplaneContract
{
    private readonly string _exchange = $"test-{Guid.NewGuid():N}";

    private protected override IBackplane Create() => RabbitMQNodes.Create(shared.Broker.Uri, o => o.Exchange = _exchange);
}
