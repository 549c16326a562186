using System.Net.Sockets;
using RabbitMQ.Client;

namespace WsServer.RabbitMQ;

/// <summary>
/// The sockets of one session. Closing them ends whatever the client waits for: writing to a peer that has stopped
/// reading, it would otherwise wait with it.
/// </summary>
/// <remarks>
/// They are also watched for silence, and given up before the client gives them up by itself: it does so on a timer, where
/// an exception (there is one when the connection closes at the same moment) ends the process.
/// </remarks>
/// <param name="time">The clock.</param>
/// <param name="silent">Is called when a peer has shown no sign of life for too long.</param>
internal sealed class BrokerSockets(TimeProvider time, Action silent)
{
    // Of half a heartbeat each. A peer sends something at least that often; the client gives up after six and more.
    private const int MaxSilentTicks = 3;

    private readonly Lock _gate = new();
    private readonly List<WatchedClient> _clients = [];
    private ITimer? _timer;
    private bool _isClosed;

    public ITcpClient Create(AddressFamily family)
    {
        var client = new WatchedClient(new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        lock (_gate)
        {
            if (!_isClosed)
            {
                _clients.Add(client);
                return client;
            }
        }

        client.Dispose();
        throw new OperationCanceledException("The session has ended.");
    }

    /// <summary>Watches them from now on.</summary>
    /// <param name="heartbeat">What was agreed with the broker; zero for none.</param>
    public void Watch(TimeSpan heartbeat)
    {
        lock (_gate)
        {
            if (!_isClosed && heartbeat > TimeSpan.Zero)
            {
                _timer ??= time.CreateTimer(static sockets => ((BrokerSockets)sockets!).Tick(), this, heartbeat / 2, heartbeat / 2);
            }
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _timer?.Dispose();
            _clients.ForEach(c => c.Dispose());
            _clients.Clear();
        }
    }

    private void Tick()
    {
        bool isSilent = false;
        lock (_gate)
        {
            foreach (WatchedClient client in _clients)
            {
                isSilent |= client.CountSilence() >= MaxSilentTicks;
            }
        }

        if (isSilent)
        {
            silent();
        }
    }

    private sealed class WatchedClient(Socket socket) : TcpClientAdapter(socket)
    {
        private bool _isConnected;
        private int _reads;
        private int _readsBefore;
        private int _silence;

        // Asked for once there is a connection. A socket for an address where nobody listens never has one.
        public override NetworkStream GetStream()
        {
            Volatile.Write(ref _isConnected, true);
            return new WatchedStream(this);
        }

        /// <summary>How many times in a row nothing had come since the last call.</summary>
        public int CountSilence()
        {
            int reads = Volatile.Read(ref _reads);
            _silence = Volatile.Read(ref _isConnected) && reads == _readsBefore ? _silence + 1 : 0;
            _readsBefore = reads;
            return _silence;
        }

        private sealed class WatchedStream(WatchedClient client) : NetworkStream(client.Client)
        {
            public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            {
                int count = await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                Interlocked.Increment(ref client._reads);
                return count;
            }
        }
    }
}
