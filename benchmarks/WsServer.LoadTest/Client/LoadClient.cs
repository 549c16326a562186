using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using WsServer.LoadTest.Dialects;
using WsServer.LoadTest.Native;

namespace WsServer.LoadTest.Client;

/// <summary>
/// All clients of one server, on the thread that calls. It reads headers, compares bytes and counts; it allocates
/// nothing for a message, so that it costs less than any server it measures.
/// </summary>
internal sealed class LoadClient : IDisposable
{
    // A server's backlog is 128 at the least.
    private const int MaxOpening = 100;

    private readonly Epoll _epoll = new();
    private readonly FrameReader _reader;
    private readonly List<Connection> _connections = [];
    private readonly int[] _ports;
    private readonly CancellationToken _cancellation;

    /// <param name="ports">Where the nodes of the server listen.</param>
    /// <param name="dialect">How it is spoken to.</param>
    /// <param name="cancellation">Ends whatever the client is doing.</param>
    public LoadClient(int[] ports, Dialect dialect, CancellationToken cancellation)
    {
        _ports = ports;
        _cancellation = cancellation;
        Dialect = dialect;
        Receiver = new Silence(this);
        _reader = new FrameReader(this, new UpgradeRequest(ports[0], dialect.Path));
    }

    public Dialect Dialect { get; }

    /// <summary>How many nodes the server has.</summary>
    public int Nodes => _ports.Length;

    /// <summary>To which node the connection of an index goes; set before it is opened.</summary>
    public Func<int, int> NodeOf { get; set; } = static _ => 0;

    public IReadOnlyList<Connection> Connections => _connections;

    /// <summary>Who gets what comes next.</summary>
    public Receiver Receiver { get; set; }

    /// <summary>Opens connections until there are <paramref name="count"/>, and returns when all are ready.</summary>
    /// <param name="count">How many there are to be.</param>
    /// <param name="isSlow">Whether the new ones will not read for a while.</param>
    public void OpenUpTo(int count, bool isSlow = false)
    {
        var opening = new Opening(this);
        Receiver = opening;
        int first = _connections.Count;
        Loop.Until(
            this,
            () =>
            {
                while (_connections.Count < count && _connections.Count - first - opening.Ready < MaxOpening)
                {
                    var connection = new Connection(_connections.Count);
                    _connections.Add(connection);
                    Start(connection, connection.Index, isSlow);
                }

                return first + opening.Ready >= count;
            },
            () => opening.Ready,
            "connections are ready");
        Receiver = new Silence(this);
    }

    /// <summary>Adds places for connections that are opened one by one with <see cref="Start"/>.</summary>
    public void AddPlaces(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _connections.Add(new Connection(_connections.Count));
        }
    }

    /// <summary>Begins to connect in the place of a connection that is closed.</summary>
    public void Start(Connection connection, int number, bool isSlow = false)
    {
        connection.Reset(TcpSocket.Connect(_ports[NodeOf(connection.Index)], number, isSlow));
        connection.IsSlow = isSlow;
        connection.SentAt = Stopwatch.GetTimestamp();
        _epoll.Watch(connection.Descriptor, connection.Index, readable: false, writable: true);
    }

    /// <summary>Sends frames, now or when the kernel takes them.</summary>
    public void Send(Connection connection, ReadOnlySpan<byte> frames)
    {
        if (connection.Unsent is { } unsent)
        {
            connection.Unsent = [.. unsent, .. frames];
            return;
        }

        int sent = TrySend(connection, frames);
        if (sent < frames.Length)
        {
            connection.Unsent = frames[sent..].ToArray();
            _epoll.Change(connection.Descriptor, connection.Index, readable: true, writable: true);
        }
    }

    /// <summary>Says goodbye. The connection is closed when the server has closed it.</summary>
    public void BeginClose(Connection connection)
    {
        connection.State = ConnectionState.Closing;
        Send(connection, FrameReader.CloseFrame);
    }

    /// <summary>Stops reading from a connection, or goes on.</summary>
    public void SetReading(Connection connection, bool isReading) =>
        _epoll.Change(connection.Descriptor, connection.Index, isReading, writable: connection.Unsent is not null);

    /// <summary>Handles what has happened, or what happens first within <paramref name="timeoutMs"/>.</summary>
    public void Turn(int timeoutMs)
    {
        const int MaxTimeoutMs = 100;
        _cancellation.ThrowIfCancellationRequested();
        int count = _epoll.Wait(Math.Min(timeoutMs, MaxTimeoutMs));
        for (int i = 0; i < count; i++)
        {
            Readiness ready = _epoll[i];
            Connection connection = _connections[ready.Tag];
            if (ready.Writable)
            {
                Write(connection);
            }

            if (ready.Readable && connection.State is not (ConnectionState.Connecting or ConnectionState.Closed))
            {
                _reader.Read(connection);
            }
        }
    }

    /// <summary>Takes a message that is not the one that was expected: a sign of life, or the server is wrong.</summary>
    public void TakeOther(Connection connection, ReadOnlySpan<byte> message, string expected)
    {
        if (!Dialect.TryAnswer(this, connection, message))
        {
            throw new LoadException(
                $"Connection {connection.Index} got {Shorten(Encoding.UTF8.GetString(message))} where {Shorten(expected)} was to come.");
        }

        // A payload is as dull as it is long.
        static string Shorten(string text) => text.Length <= 120
            ? text
            : string.Create(CultureInfo.InvariantCulture, $"{text[..80]}… ({text.Length} characters)");
    }

    /// <summary>Closes the descriptor and tells the receiver.</summary>
    public void Drop(Connection connection, string reason)
    {
        Close(connection);
        Receiver.Closed(connection, connection.CloseReason ?? reason);
    }

    public void Dispose()
    {
        foreach (Connection connection in _connections)
        {
            Close(connection);
        }

        _epoll.Dispose();
    }

    private static void Close(Connection connection)
    {
        if (connection.State != ConnectionState.Closed)
        {
            connection.State = ConnectionState.Closed;
            _ = Libc.Close(connection.Descriptor);
        }
    }

    private static int TrySend(Connection connection, ReadOnlySpan<byte> bytes)
    {
        nint sent = Libc.Send(connection.Descriptor, bytes, bytes.Length, Libc.NoSignal);

        // Any other error than a full buffer will show again, and better, when the connection is read.
        return sent >= 0 ? (int)sent : Marshal.GetLastPInvokeError() == Libc.TryAgain ? 0 : bytes.Length;
    }

    private void Write(Connection connection)
    {
        if (connection.State == ConnectionState.Connecting)
        {
            int error = TcpSocket.GetError(connection.Descriptor);
            if (error != 0)
            {
                throw new LoadException($"Connection {connection.Index} cannot connect: {Marshal.GetPInvokeErrorMessage(error)}");
            }

            connection.State = ConnectionState.Upgrading;
            _epoll.Change(connection.Descriptor, connection.Index, readable: true, writable: false);
            Send(connection, _reader.Upgrade.Request);
        }
        else if (connection.Unsent is { } unsent)
        {
            int sent = TrySend(connection, unsent);
            connection.Unsent = sent < unsent.Length ? unsent[sent..] : null;
            if (connection.Unsent is null)
            {
                SetReading(connection, isReading: true);
            }
        }
    }

    /// <summary>Counts those that are ready.</summary>
    private sealed class Opening(LoadClient client) : Receiver
    {
        public int Ready { get; private set; }

        public override void Opened(Connection connection) => Ready++;

        public override void Received(Connection connection, ReadOnlySpan<byte> message, long now) =>
            client.TakeOther(connection, message, "nothing");
    }
}
