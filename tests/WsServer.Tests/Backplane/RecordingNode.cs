using System.Text;
using WsServer.Backplane;
using WsServer.Tests.Support;

namespace WsServer.Tests.Backplane;

/// <summary>A node that keeps what its backplane tells it, in the order in which it does.</summary>
internal sealed class RecordingNode(IBackplane backplane, string id) : IBackplaneReceiver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<byte[]> _messages = [];
    private readonly List<string> _states = [];
    private int _callers;

    public IBackplane Backplane => backplane;

    public string Id => id;

    /// <summary>Whether two threads were here at once.</summary>
    public bool WasCrowded { get; private set; }

    /// <summary>What has arrived, as text.</summary>
    public string[] Texts
    {
        get
        {
            lock (_gate)
            {
                return [.. _messages.Select(Encoding.UTF8.GetString)];
            }
        }
    }

    public byte[][] Messages
    {
        get
        {
            lock (_gate)
            {
                return [.. _messages];
            }
        }
    }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _messages.Count;
            }
        }
    }

    /// <summary>"new", "resumed" for each connection, and why it was lost or not made.</summary>
    public string[] States
    {
        get
        {
            lock (_gate)
            {
                return [.. _states];
            }
        }
    }

    public int ConnectedCount => States.Count(s => s is "new" or "resumed");

    public void Start() => backplane.Start(id, this);

    public Task UntilConnectedAsync(int times = 1) => Within.UntilAsync(() => ConnectedCount >= times, $"{id} is connected for the {times}. time; so far: {string.Join(" | ", States)}", TimeSpan.FromSeconds(60));

    public Task UntilDisconnectedAsync() => Within.UntilAsync(() => States is [.., not ("new" or "resumed")], $"{id} has lost its connection", TimeSpan.FromSeconds(60));

    public Task UntilCountAsync(int count) => Within.UntilAsync(() => Count >= count, $"{id} has {count} messages; it has {Count}", TimeSpan.FromSeconds(60));

    public Task SubscribeAsync(string channel, bool isWanted = true) => Within.TimeAsync(backplane.SubscribeAsync(channel, isWanted).AsTask(), $"a subscription of {id}");

    public Task PublishAsync(string text, params string[] channels) => Within.TimeAsync(backplane.PublishAsync(Encoding.UTF8.GetBytes(text), channels).AsTask(), $"a message of {id}");

    public void Connected(bool isResumed) => Enter(() => _states.Add(isResumed ? "resumed" : "new"));

    public void Disconnected(string why) => Enter(() => _states.Add(why));

    public void Received(ReadOnlyMemory<byte> message)
    {
        byte[] copy = message.ToArray();
        Enter(() => _messages.Add(copy));
    }

    public ValueTask DisposeAsync() => backplane.DisposeAsync();

    private void Enter(Action keep)
    {
        bool isAlone = Interlocked.Increment(ref _callers) == 1;
        lock (_gate)
        {
            WasCrowded |= !isAlone;
            keep();
        }

        Interlocked.Decrement(ref _callers);
    }
}
