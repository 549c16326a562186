using WsServer.Backplane;

namespace WsServer.Tests.Backplane;

public class LocalBackplaneTests : BackplaneContract
{
    private readonly LocalExchange _exchange = new();

    private protected override IBackplane Create() => new LocalBackplane(_exchange);
}
