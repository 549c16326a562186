using WsServer.Backplane;

namespace WsServer.RabbitMQ;

/// <summary>Lets one thread at a time to the node, and nothing of a session that is over.</summary>
/// <param name="receiver">The node.</param>
internal sealed class ReceiverGate(IBackplaneReceiver receiver)
{
    private readonly Lock _gate = new();
    private BrokerSession? _session;
    private bool _isClosed;

    public void Connected(BrokerSession session, bool isResumed)
    {
        lock (_gate)
        {
            if (!_isClosed)
            {
                _session = session;
                receiver.Connected(isResumed);
            }
        }
    }

    public void Disconnected(string why)
    {
        lock (_gate)
        {
            _session = null;
            if (!_isClosed)
            {
                receiver.Disconnected(why);
            }
        }
    }

    /// <summary>Hands on a message; false when its session is over.</summary>
    public bool Received(BrokerSession session, ReadOnlyMemory<byte> message)
    {
        lock (_gate)
        {
            if (_session != session)
            {
                return false;
            }

            receiver.Received(message);
            return true;
        }
    }

    /// <summary>The node is told nothing from then on.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _session = null;
            _isClosed = true;
        }
    }
}
