using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Backplane;

/// <summary>One broker for all tests that leave it as it is; each has an exchange of its own.</summary>
public sealed class SharedBroker : IAsyncLifetime
{
    private RabbitBroker? _broker;

    internal RabbitBroker Broker => _broker ?? throw new InvalidOperationException("RabbitMQ is missing.");

    public async Task InitializeAsync()
    {
        if (RabbitMQFactAttribute.Reason is null)
        {
            _broker = await RabbitBroker.StartAsync();
        }
    }

    public async Task DisposeAsync()
    {
        if (_broker is not null)
        {
            await _broker.DisposeAsync();
        }
    }
}

/// <summary>The tests that share the broker.</summary>
[CollectionDefinition(nameof(SharedBroker))]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1711", Justification = "Collection is xunit's word for it.")]
public sealed class BrokerCollection : ICollectionFixture<SharedBroker>;
