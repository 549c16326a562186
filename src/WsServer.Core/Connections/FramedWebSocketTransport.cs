using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Unicode;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// Messages as WebSocket frames (RFC 6455) over the bytes of an upgraded connection. Packets leave as the frames they
/// already are; control frames go between them, never into one.
/// </summary>
/// <param name="input">The bytes from the client.</param>
/// <param name="output">The bytes to the client.</param>
/// <param name="maxMessageBytes">The longest message to receive.</param>
/// <param name="time">For <see cref="LastReceived"/>.</param>
/// <param name="abort">Breaks the connection under the transport, with what is still to be sent on it.</param>
/// <param name="deflate">How messages are compressed, if the client and the server have agreed to.</param>
/// <param name="tellsControls">Whether pings, pongs and the parts of unfinished messages are told of, as <see cref="TransportMessageKind.Control"/>.</param>
internal sealed class FramedWebSocketTransport(
    PipeReader input,
    IByteOutput output,
    int maxMessageBytes,
    TimeProvider time,
    Action abort,
    PermessageDeflate? deflate = null,
    bool tellsControls = false)
    : IHeartbeatTransport, IAbortable, IPrefetched, IUnfinishedMessage
{
    private const int MaxReadsAtOnce = 16;
    private const int NormalClosure = 1000;
    private const int ProtocolError = 1002;
    private const int InvalidPayload = 1007;

    // RFC 6455, section 5.5.2: final, opcode 9, no payload.
    private static readonly byte[] PingFrame = [0x89, 0x00];

    private readonly FrameReader _frames = new(maxMessageBytes, mayBeCompressed: deflate is not null, tellsFragments: tellsControls);
    private readonly FrameWriter _writer = new(output);
    private ReadOnlySequence<byte> _unread;
    private CancellationTokenRegistration _aborting;
    private long _lastReceived = time.GetTimestamp();
    private long _begun;
    private int _clientStatus;
    private SequencePosition _end;
    private int _readsAtOnce;
    private bool _isReadOpen;
    private bool _isInputOver;
    private byte[]? _nextPong;
    private bool _isPonging;
    private int _goodbyes;
    private volatile bool _isAborted;
    private volatile bool _isReceivingOver;

    public long LastReceived => Volatile.Read(ref _lastReceived);

    public long Begun => Volatile.Read(ref _begun);

    public void BeginAnew(long begun, long now) => Interlocked.CompareExchange(ref _begun, now, begun);

    public ValueTask<TransportMessage> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled && _aborting == default)
        {
            // Once for the connection, and not for each read.
            _aborting = cancellationToken.UnsafeRegister(static transport => ((FramedWebSocketTransport)transport!).Abort(), this);
        }

        return TryRead(out TransportMessage message) ? new(message) : WaitAsync();
    }

    public ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken) =>
        deflate is null ? _writer.SendAsync(packets, cancellationToken) : deflate.SendAsync(_writer, packets, cancellationToken);

    public void Prefetch(int link)
    {
        if (link == 0)
        {
            WsServer.Prefetch.Object(_writer);
        }
        else
        {
            _writer.Prefetch(link - 1);
        }
    }

    public ValueTask PingAsync(CancellationToken cancellationToken) => _writer.WriteAsync(PingFrame, cancellationToken);

    public async ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _goodbyes) > 1)
        {
            // The reader has said it, over a broken frame: the client gets the time to read why before the end.
            await DrainAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        // RFC 6455, section 5.5.1: the answer to a close echoes its code.
        byte[] frame = _clientStatus != 0 ? CloseFrame(_clientStatus, "") : CloseFrame(close.Status, close.Description);
        await _writer.WriteAsync(frame, cancellationToken, isClose: true).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        _aborting.Dispose();
        if (_isAborted || _writer.IsCut)
        {
            // The client does not read: without this, the web server would hold the connection until it does. The buffer
            // is left to the garbage collector, as a handler that has not returned may still look at it.
            abort();
            return ValueTask.CompletedTask;
        }

        if (_isReadOpen)
        {
            _isReadOpen = false;
            input.AdvanceTo(_end);
        }

        _frames.ReturnBuffer();
        return ValueTask.CompletedTask;
    }

    public void Abort()
    {
        _isReceivingOver = true;
        _isAborted = true;
        input.CancelPendingRead();
    }

    // Reads what has come already.
    private bool TryRead(out TransportMessage message)
    {
        while (!_unread.IsEmpty)
        {
            FrameKind kind;
            try
            {
                kind = _frames.Read(ref _unread);
            }
            catch (FrameException exception)
            {
                throw Refuse(exception.Status, exception.Message);
            }

            switch (kind)
            {
                case FrameKind.None:
                    // What is left is the start of something: seen, and kept in the pipe.
                    NoteUnfinished();
                    message = default;
                    return false;
                case FrameKind.Pong or FrameKind.Ping:
                    if (kind == FrameKind.Ping)
                    {
                        Pong();
                    }

                    if (tellsControls)
                    {
                        message = new(TransportMessageKind.Control, _frames.Payload);
                        return true;
                    }

                    break;
                case FrameKind.Fragment:
                    NoteUnfinished();
                    message = new(TransportMessageKind.Control, _frames.Payload);
                    return true;
                case FrameKind.Close:
                    TakeClose();
                    message = new(TransportMessageKind.Closed);
                    return true;
                default:
                    TransportMessageKind told = kind == FrameKind.Text ? TransportMessageKind.Text : kind == FrameKind.Binary ? TransportMessageKind.Binary : TransportMessageKind.TooLarge;
                    message = new(told, _frames.Payload) { WireLength = _frames.CompressedLength, ToldBytes = tellsControls ? _frames.EarlierBytes : 0 };
                    if (_begun != 0)
                    {
                        Volatile.Write(ref _begun, 0);
                    }

                    return true;
            }
        }

        message = default;
        return false;
    }

    // When it came, as far as that is known without asking the clock.
    private void NoteUnfinished()
    {
        if (_begun == 0 && _frames.IsWithinMessage)
        {
            Volatile.Write(ref _begun, _lastReceived);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<TransportMessage> WaitAsync()
    {
        while (true)
        {
            if (_isReadOpen)
            {
                _isReadOpen = false;
                input.AdvanceTo(_unread.Start, _unread.End);
            }

            // An idle connection holds no buffer: the pipe gives its own back, and this one is rented when something comes.
            _unread = default;
            _frames.Release();
            if (_isInputOver)
            {
                return new(TransportMessageKind.Closed);
            }

            ReadResult read = await ReadInputAsync(CancellationToken.None).ConfigureAwait(false);
            if (_isReceivingOver)
            {
                throw new OperationCanceledException();
            }

            Volatile.Write(ref _lastReceived, time.GetTimestamp());
            _unread = read.Buffer;
            _end = read.Buffer.End;
            _isReadOpen = true;
            _isInputOver = read.IsCompleted;
            if (TryRead(out TransportMessage message))
            {
                return message;
            }
        }
    }

    // A client that sends without end finds its next bytes there each time: others need the thread as well.
    private ValueTask<ReadResult> ReadInputAsync(CancellationToken cancellationToken)
    {
        ValueTask<ReadResult> reading = input.ReadAsync(cancellationToken);
        _readsAtOnce = reading.IsCompleted ? _readsAtOnce + 1 : 0;
        if (_readsAtOnce < MaxReadsAtOnce)
        {
            return reading;
        }

        _readsAtOnce = 0;
        return HopAsync(reading);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<ReadResult> HopAsync(ValueTask<ReadResult> reading)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return await reading.ConfigureAwait(false);
    }

    private void TakeClose()
    {
        ReadOnlySpan<byte> payload = _frames.Payload.Span;
        int status = payload.Length == 0 ? NormalClosure : payload.Length == 1 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(payload);
        if (!IsValidStatus(status))
        {
            throw Refuse(ProtocolError, "A close frame has no valid status.");
        }

        if (payload.Length > 2 && !Utf8.IsValid(payload[2..]))
        {
            // RFC 6455, section 8.1: as for any text.
            throw Refuse(InvalidPayload, "The reason in a close frame is not valid UTF-8.");
        }

        _clientStatus = status;
    }

    // RFC 6455, section 7.4.1, and the registry that it founds.
    private static bool IsValidStatus(int status) => status is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);

    // The client reads why at once; whoever closes the connection then gives it the time to.
    private InvalidDataException Refuse(int status, string why)
    {
        if (Interlocked.Increment(ref _goodbyes) == 1)
        {
            _ = TrySendControlAsync(CloseFrame(status, ""), isClose: true);
        }

        return new InvalidDataException(why);
    }

    // RFC 6455, section 5.5.3: the most recent ping is answered. While a pong waits, which is when the client does not
    // read, pings before the last go unanswered, so that there is no pile of pongs.
    private void Pong()
    {
        ReadOnlySpan<byte> payload = _frames.Payload.Span;
        byte[] frame = [0x8a, (byte)payload.Length, .. payload];
        lock (_frames)
        {
            _nextPong = frame;
            if (_isPonging)
            {
                return;
            }

            _isPonging = true;
        }

        _ = PongAsync();
    }

    private async Task PongAsync()
    {
        while (true)
        {
            byte[]? frame;
            lock (_frames)
            {
                frame = _nextPong;
                _nextPong = null;
                _isPonging = frame is not null;
            }

            if (frame is null)
            {
                return;
            }

            await TrySendControlAsync(frame, isClose: false).ConfigureAwait(false);
        }
    }

    private async Task TrySendControlAsync(byte[] frame, bool isClose)
    {
        try
        {
            await _writer.WriteAsync(frame, CancellationToken.None, isClose).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The reading side learns of it too, and ends the connection with the reason.
            _isAborted = true;
        }
    }

    /// <summary>Reads and forgets until the other side closes.</summary>
    private async ValueTask DrainAsync(CancellationToken cancellationToken)
    {
        while (!_isInputOver)
        {
            if (_isReadOpen)
            {
                _isReadOpen = false;
                input.AdvanceTo(_end);
            }

            ReadResult read = await ReadInputAsync(cancellationToken).ConfigureAwait(false);
            _isReadOpen = true;
            _end = read.Buffer.End;
            _isInputOver = read.IsCompleted || read.IsCanceled;
        }
    }

    private static byte[] CloseFrame(int status, string description)
    {
        Span<byte> payload = stackalloc byte[FrameHeader.MaxControlBytes];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)status);

        // What does not fit is left out, at the end of a character.
        Utf8.FromUtf16(description, payload[2..], out _, out int written);
        return [0x88, (byte)(2 + written), .. payload[..(2 + written)]];
    }
}
