using System.Net.Sockets;

namespace WsServer.Connections;

/// <summary>Waits by the runtime's sockets, which go on with a thread of the pool.</summary>
/// <remarks>The operating system's wait goes on when one is given up: the next one gets the answer to it.</remarks>
internal sealed class RuntimeInput : SocketInput
{
    // Whether the operating system is asked, and whether somebody waits for its answer.
    private const int Idle = 0;
    private const int Asking = 1;
    private const int Awaited = 2;
    private const int Unawaited = 3;
    private const int Answered = 4;

    private readonly Question _question;
    private int _state;

    public RuntimeInput(Socket socket, IInputOwner owner)
        : base(socket, owner) => _question = new Question(this);

    public override void Dispose() => _question.Dispose();

    protected override bool TryAwait()
    {
        if (Volatile.Read(ref _state) != Idle)
        {
            return Interlocked.CompareExchange(ref _state, Awaited, Unawaited) == Unawaited || !Forget();
        }

        // Nobody can give this wait up before it is complete: the answer may be there at once, with nobody to tell.
        Volatile.Write(ref _state, Asking);
        try
        {
            return (Socket.ReceiveAsync(_question) && Interlocked.CompareExchange(ref _state, Awaited, Asking) == Asking) || !Forget();
        }
        catch (ObjectDisposedException)
        {
            _question.SocketError = SocketError.OperationAborted;
            return !Forget();
        }
    }

    // The operating system's wait goes on.
    protected override bool TryGiveUp() => Interlocked.CompareExchange(ref _state, Unawaited, Awaited) == Awaited;

    // The wait may have met the error, which the operating system tells once.
    protected override SocketError BeginReceive() => _question.SocketError;

    protected override void EndReceive(int received, int room)
    {
    }

    private bool Forget()
    {
        Volatile.Write(ref _state, Idle);
        return true;
    }

    private void Take()
    {
        while (true)
        {
            int state = Volatile.Read(ref _state);
            int next = state == Awaited ? Idle : Answered;
            if (Interlocked.CompareExchange(ref _state, next, state) == state)
            {
                if (state == Awaited)
                {
                    Answer(true);
                }

                return;
            }
        }
    }

    private sealed class Question(RuntimeInput input) : SocketAsyncEventArgs(true)
    {
        protected override void OnCompleted(SocketAsyncEventArgs e) => input.Take();
    }
}
