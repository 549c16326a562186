using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;
using WsServer.Polling;

namespace WsServer.Connections;

/// <summary>Whose input a <see cref="SocketInput"/> is.</summary>
internal interface IInputOwner
{
    /// <summary>Why the owner has closed the socket itself, if it has.</summary>
    Exception? CloseReason { get; }

    /// <summary>Nothing more will come. Told once, where it was found.</summary>
    void InputIsOver();
}

/// <summary>
/// A socket as input: waits until there is something, without a buffer, and receives it into one that is there for that
/// moment only. One reader at a time.
/// </summary>
/// <remarks>
/// A wait can be given up, and whoever waits next, which may be another reader, gets what it was for. So a socket can
/// change hands without a byte being read by the one who leaves.
/// </remarks>
internal abstract class SocketInput : IValueTaskSource<bool>, IDisposable
{
    /// <summary>What <see cref="Receive"/> returns when there is nothing now after all.</summary>
    public const int Nothing = -1;

    private readonly IInputOwner _owner;
    private ManualResetValueTaskSourceCore<bool> _waiting;
    private Exception? _fault;
    private volatile bool _isCancelled;
    private volatile bool _isClosing;
    private bool _isOver;

    /// <param name="socket">A connected socket, set not to block.</param>
    /// <param name="owner">Who is told when nothing more comes.</param>
    protected SocketInput(Socket socket, IInputOwner owner)
    {
        Socket = socket;
        _owner = owner;
    }

    /// <summary>Of the wait that was begun last, for a value task that stands for it.</summary>
    public short Version => _waiting.Version;

    protected Socket Socket { get; }

    /// <summary>One that waits by the poller, or where there is none, or it can take no more, by the runtime.</summary>
    public static SocketInput Open(Socket socket, IInputOwner owner, Poller? poller) =>
        poller is not null && PolledInput.TryOpen(socket, owner, poller.Choose()) is { } polled ? polled : new RuntimeInput(socket, owner);

    /// <summary>Waits until <see cref="Receive"/> has something to tell; false when that was cancelled.</summary>
    public ValueTask<bool> WaitAsync()
    {
        if (_isCancelled)
        {
            _isCancelled = false;
            return new(false);
        }

        if (_isOver)
        {
            return new(true);
        }

        _waiting.Reset();
        if (!TryAwait())
        {
            return new(true);
        }

        if (_isCancelled)
        {
            GiveUp();
        }

        return new(this, _waiting.Version);
    }

    /// <summary>Receives what there is, without waiting.</summary>
    /// <returns>How many bytes; 0 when the other side has ended; <see cref="Nothing"/> when there are none yet.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    public int Receive(Span<byte> buffer)
    {
        if (_isOver)
        {
            return _fault is null ? 0 : throw _fault;
        }

        SocketError error = BeginReceive();
        int received = 0;
        if (error == SocketError.Success)
        {
            try
            {
                received = Socket.Receive(buffer, SocketFlags.None, out error);
            }
            catch (ObjectDisposedException)
            {
                error = SocketError.OperationAborted;
            }
        }

        if (received == 0 && error == SocketError.Success && _isClosing)
        {
            // Not the other side's end.
            error = SocketError.OperationAborted;
        }

        if (error is SocketError.WouldBlock or SocketError.IOPending)
        {
            EndReceive(Nothing, buffer.Length);
            return Nothing;
        }

        if (error != SocketError.Success)
        {
            _fault = FaultOf(error);
        }
        else if (received > 0)
        {
            EndReceive(received, buffer.Length);
            return received;
        }

        _isOver = true;
        _owner.InputIsOver();
        return _fault is null ? 0 : throw _fault;
    }

    /// <summary>Ends the wait that is under way, or the next one.</summary>
    public void Cancel()
    {
        _isCancelled = true;
        GiveUp();
    }

    /// <summary>What was cancelled is over: the next wait is another's.</summary>
    public void ForgetCancel() => _isCancelled = false;

    /// <summary>Closes the socket, and tells who waits.</summary>
    /// <param name="isReset">Whether the other side is to read a reset, and nothing that waits for it, instead of an ordinary end.</param>
    /// <exception cref="SocketException">It had ended before; it is closed all the same.</exception>
    /// <exception cref="ObjectDisposedException">It was closed before.</exception>
    public virtual void CloseSocket(bool isReset)
    {
        _isClosing = true;
        if (isReset)
        {
            Socket.Close(timeout: 0);
            return;
        }

        try
        {
            Socket.Shutdown(SocketShutdown.Both);
        }
        finally
        {
            Socket.Dispose();
        }
    }

    public bool GetResult(short token)
    {
        bool isThere = _waiting.GetResult(token);
        if (!isThere)
        {
            _isCancelled = false;
        }

        return isThere;
    }

    public ValueTaskSourceStatus GetStatus(short token) => _waiting.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiting.OnCompleted(continuation, state, token, flags);

    /// <summary>Nobody waits any more, nor will.</summary>
    public abstract void Dispose();

    /// <summary>Begins a wait, which ends with <see cref="Answer"/>; false when <see cref="Receive"/> may have something to tell now.</summary>
    protected abstract bool TryAwait();

    /// <summary>Ends a wait for who waits; false when there is none, or it has ended.</summary>
    protected abstract bool TryGiveUp();

    /// <summary>Before the socket is looked at: what the wait has met already.</summary>
    protected abstract SocketError BeginReceive();

    /// <summary>The socket gave so many bytes, or <see cref="Nothing"/>, of at most <paramref name="room"/>.</summary>
    protected abstract void EndReceive(int received, int room);

    /// <summary>Ends the wait.</summary>
    protected void Answer(bool isThere) => _waiting.SetResult(isThere);

    private void GiveUp()
    {
        if (TryGiveUp())
        {
            Answer(false);
        }
    }

    private Exception FaultOf(SocketError error)
    {
        if (_owner.CloseReason is { } reason)
        {
            return reason;
        }

        var cause = new SocketException((int)error);
        return error switch
        {
            SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted => new ConnectionResetException("The client reset the connection.", cause),
            SocketError.OperationAborted => new ConnectionAbortedException("The server closed the connection."),
            _ => new IOException("The connection broke.", cause),
        };
    }
}
