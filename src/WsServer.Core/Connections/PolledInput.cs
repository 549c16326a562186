using System.Net.Sockets;
using WsServer.Polling;

namespace WsServer.Connections;

/// <summary>
/// Waits by a <see cref="PollLoop"/>, and goes on with its thread. The runtime never learns that anybody waits for the
/// socket, for room to write included: else its own thread would wake for each message as well.
/// </summary>
internal sealed class PolledInput : SocketInput, IPolled
{
    // Whether somebody waits, or something has happened that nobody has looked at.
    private const int Idle = 0;
    private const int Awaited = 1;
    private const int News = 2;

    private const PollEvents WriteEvents = PollEvents.Writable | PollEvents.Error | PollEvents.HungUp;
    private const PollEvents LastEvents = PollEvents.ReadHungUp | PollEvents.HungUp | PollEvents.Error | PollEvents.Urgent;

    private readonly PollLoop _loop;
    private readonly bool _endsShort;
    private TaskCompletionSource? _room;
    private ulong _key;
    private int _state;
    private bool _wasFull;
    private bool _isClosed;
    private volatile bool _isLast;

    private PolledInput(Socket socket, IInputOwner owner, PollLoop loop)
        : base(socket, owner)
    {
        _loop = loop;
        Handle = socket.SafeHandle;
        _endsShort = socket.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6;
    }

    public SafeSocketHandle Handle { get; }

    /// <summary>Makes one, which ends with <see cref="CloseSocket"/>; null when the loop cannot take it.</summary>
    public static PolledInput? TryOpen(Socket socket, IInputOwner owner, PollLoop loop)
    {
        var input = new PolledInput(socket, owner, loop);
        return loop.TryAdd(input, out input._key) ? input : null;
    }

    /// <summary>
    /// Completes when the socket has got room, or is closed. Asked for before the write that finds none, so that room that
    /// comes in between is not missed.
    /// </summary>
    public Task ExpectRoom()
    {
        var room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _room, room);
        return room.Task;
    }

    public override void CloseSocket(bool isReset)
    {
        if (!Interlocked.Exchange(ref _isClosed, true))
        {
            _loop.Remove(this, _key);
        }

        try
        {
            base.CloseSocket(isReset);
        }
        finally
        {
            if (Note(PollEvents.HungUp))
            {
                // Whoever closes may hold what who waits will want.
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }
    }

    public bool Note(PollEvents events)
    {
        if ((events & WriteEvents) != 0 && Volatile.Read(ref _room) is not null)
        {
            Interlocked.Exchange(ref _room, null)?.TrySetResult();
        }

        if ((events & ~PollEvents.Writable) == 0)
        {
            return false;
        }

        if ((events & LastEvents) != 0)
        {
            _isLast = true;
        }

        while (true)
        {
            int state = Volatile.Read(ref _state);
            if (state == News)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _state, state == Awaited ? Idle : News, state) == state)
            {
                return state == Awaited;
            }
        }
    }

    /// <summary>Goes on with who waits.</summary>
    public void Execute() => Answer(true);

    public override void Dispose()
    {
        // There is nothing that the socket's end has not ended.
    }

    // What comes after this look at the state is told of.
    protected override bool TryAwait()
    {
        if (_wasFull || _isLast)
        {
            return false;
        }

        if (Interlocked.CompareExchange(ref _state, Awaited, Idle) == Idle)
        {
            return true;
        }

        Interlocked.Exchange(ref _state, Idle);
        return false;
    }

    protected override bool TryGiveUp() => Interlocked.CompareExchange(ref _state, Idle, Awaited) == Awaited;

    // What has happened up to now will be received now; what happens from now on is news.
    protected override SocketError BeginReceive()
    {
        if (Volatile.Read(ref _state) == News)
        {
            Interlocked.Exchange(ref _state, Idle);
        }

        return SocketError.Success;
    }

    // A change is told once: what has been left is to be looked for without being told. A piece that does not fill the
    // buffer was the last, as long as neither the end has been told together with it, nor urgent data, where the system
    // makes a cut. Sockets of files have cuts for other reasons.
    protected override void EndReceive(int received, int room)
    {
        if (received == Nothing)
        {
            _isLast = false;
        }

        _wasFull = received == room || (received != Nothing && !_endsShort);
    }
}
