using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

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
/// A wait can be given up while the operating system's goes on: whoever waits next, which may be another reader, gets
/// the answer to it. So a socket can change hands without a byte being read by the one who leaves.
/// </remarks>
internal sealed class SocketInput : SocketAsyncEventArgs, IValueTaskSource<bool>
{
    /// <summary>What <see cref="Receive"/> returns when there is nothing now after all.</summary>
    public const int Nothing = -1;

    // Whether the operating system is asked, and whether somebody waits for its answer.
    private const int Idle = 0;
    private const int Asking = 1;
    private const int Awaited = 2;
    private const int Unawaited = 3;
    private const int Answered = 4;

    private readonly Socket _socket;
    private readonly IInputOwner _owner;
    private ManualResetValueTaskSourceCore<bool> _waiting;
    private Exception? _fault;
    private int _state;
    private volatile bool _isCancelled;
    private bool _isOver;

    /// <param name="socket">A connected socket, set not to block.</param>
    /// <param name="owner">Who is told when nothing more comes.</param>
    public SocketInput(Socket socket, IInputOwner owner)
        : base(true)
    {
        _socket = socket;
        _owner = owner;
    }

    /// <summary>Of the wait that was begun last, for a value task that stands for it.</summary>
    public short Version => _waiting.Version;

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
            Volatile.Write(ref _state, Idle);
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

        // The wait may have met the error, which the operating system tells once.
        SocketError error = SocketError;
        int received = 0;
        if (error == SocketError.Success)
        {
            try
            {
                received = _socket.Receive(buffer, SocketFlags.None, out error);
            }
            catch (ObjectDisposedException)
            {
                error = SocketError.OperationAborted;
            }
        }

        if (error is SocketError.WouldBlock or SocketError.IOPending)
        {
            return Nothing;
        }

        if (error != SocketError.Success)
        {
            _fault = FaultOf(error);
        }
        else if (received > 0)
        {
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

    protected override void OnCompleted(SocketAsyncEventArgs e)
    {
        while (true)
        {
            int state = Volatile.Read(ref _state);
            int next = state == Awaited ? Idle : Answered;
            if (Interlocked.CompareExchange(ref _state, next, state) == state)
            {
                if (state == Awaited)
                {
                    _waiting.SetResult(true);
                }

                return;
            }
        }
    }

    // False when the answer is there already.
    private bool TryAwait()
    {
        if (Volatile.Read(ref _state) != Idle)
        {
            return Interlocked.CompareExchange(ref _state, Awaited, Unawaited) == Unawaited;
        }

        // Nobody can give this wait up before it is complete: the answer may be there at once, with nobody to tell.
        Volatile.Write(ref _state, Asking);
        try
        {
            return _socket.ReceiveAsync(this) && Interlocked.CompareExchange(ref _state, Awaited, Asking) == Asking;
        }
        catch (ObjectDisposedException)
        {
            SocketError = SocketError.OperationAborted;
            return false;
        }
    }

    // The operating system's wait goes on.
    private void GiveUp()
    {
        if (Interlocked.CompareExchange(ref _state, Unawaited, Awaited) == Awaited)
        {
            _waiting.SetResult(false);
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
