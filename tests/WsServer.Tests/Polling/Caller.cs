using System.Net.Sockets;
using WsServer.Polling;
using WsServer.Tests.Support;

namespace WsServer.Tests.Polling;

/// <summary>A socket in a loop, and what is called when something comes over it.</summary>
internal sealed class Caller : IPolled, IDisposable
{
    private readonly SocketPair _pair;
    private readonly PollLoop _loop;
    private readonly Action _called;
    private readonly byte[] _buffer = new byte[16];
    private ulong _key;
    private int _calls;

    private Caller(SocketPair pair, PollLoop loop, Action called)
    {
        _pair = pair;
        _loop = loop;
        _called = called;
    }

    public SafeSocketHandle Handle => _pair.Server.SafeHandle;

    public int Calls => Volatile.Read(ref _calls);

    public bool IsOnPool { get; private set; }

    public static async Task<Caller> AddAsync(PollLoop loop, Action? called = null)
    {
        var caller = new Caller(await SocketPair.ConnectAsync(), loop, called ?? (() => { }));
        if (!loop.TryAdd(caller, out caller._key))
        {
            throw new InvalidOperationException("The loop does not take it.");
        }

        return caller;
    }

    public bool Note(PollEvents events) => (events & PollEvents.Readable) != 0;

    public void Execute()
    {
        // Something may be told of twice.
        if (_pair.Server.Receive(_buffer, SocketFlags.None, out _) <= 0)
        {
            return;
        }

        IsOnPool = Thread.CurrentThread.IsThreadPoolThread;
        Interlocked.Increment(ref _calls);
        _called();
    }

    /// <summary>Something comes over the socket, and the call has begun.</summary>
    public async Task CallAsync()
    {
        int before = Calls;
        await _pair.Client.SendAsync(new byte[] { 1 });
        await Within.UntilAsync(() => Calls > before, "it is called");
    }

    /// <summary>Closes the socket as somebody would who knows nothing of the loop.</summary>
    public void CloseSocket() => _pair.Server.Dispose();

    public void Dispose()
    {
        _loop.Remove(this, _key);
        _pair.Dispose();
    }
}
