using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Unicode;

namespace WsServer.Connections;

/// <summary>What <see cref="FrameReader.Read"/> found.</summary>
internal enum FrameKind
{
    /// <summary>Not enough bytes; give more.</summary>
    None,
    Text,
    Binary,

    /// <summary>A message over the limit, told of as soon as it is known; what follows of it is skipped.</summary>
    TooLarge,

    /// <summary>A frame of a message whose last is still to come.</summary>
    Fragment,
    Ping,
    Pong,
    Close,
}

/// <summary>The client broke RFC 6455; the connection closes with this status.</summary>
internal sealed class FrameException(int status, string message) : Exception(message)
{
    public int Status => status;
}

/// <summary>
/// Reads a client's frames (RFC 6455, section 5) into messages. Pure: bytes in, messages out. Bytes are taken as they
/// come, so a long message never has to fit the buffer it arrives in; between messages nothing is held.
/// </summary>
/// <param name="maxMessageBytes">The longest message, and for a compressed one the longest it may become.</param>
/// <param name="mayBeCompressed">Whether messages may come compressed (RFC 7692).</param>
/// <param name="tellsFragments">Whether <see cref="FrameKind.Fragment"/> is told of.</param>
internal sealed class FrameReader(int maxMessageBytes, bool mayBeCompressed = false, bool tellsFragments = false)
{
    /// <summary>How many empty fragments a message may have before its last frame.</summary>
    public const int MaxEmptyFragments = 1_024;

    private const int FirstBufferBytes = 4 * 1024;
    private const int PolicyViolation = 1008;

    private byte[]? _buffer;
    private int _length;
    private FrameHeader _frame;
    private long _left;
    private FrameKind _message;
    private bool _isInFrame;
    private bool _isSkipping;
    private bool _isCompressed;
    private int _emptyFragments;

    // What cannot be compressed becomes longer by it: no more than an eighth, whatever the sender's implementation.
    private long LongestToTake => _isCompressed ? maxMessageBytes + (maxMessageBytes / 8) + 64L : maxMessageBytes;

    /// <summary>The message or the control frame's payload, valid until the next read.</summary>
    public ReadOnlyMemory<byte> Payload { get; private set; }

    /// <summary>How long the message was before it was inflated; 0 for one that was not compressed.</summary>
    public int CompressedLength { get; private set; }

    /// <summary>Whether a message has begun and is not at its end.</summary>
    public bool IsWithinMessage => _message != FrameKind.None;

    /// <summary>How many bytes of the message that was read came before its last frame; of a compressed one that is not known.</summary>
    public int EarlierBytes => _isCompressed ? 0 : (int)Math.Max(0, Payload.Length - _frame.Length);

    /// <summary>Reads up to the end of the next message or control frame, and moves <paramref name="input"/> behind what it took.</summary>
    /// <exception cref="FrameException">The client broke the protocol.</exception>
    public FrameKind Read(ref ReadOnlySequence<byte> input)
    {
        while (true)
        {
            if (!_isInFrame)
            {
                FrameKind found = Begin(ref input);
                if (found != FrameKind.None || !_isInFrame)
                {
                    return found;
                }
            }

            Take(ref input);
            if (_left > 0)
            {
                return FrameKind.None;
            }

            _isInFrame = false;
            if (!_frame.IsFinal)
            {
                CountEmptyFragment();
                if (tellsFragments && !_isSkipping)
                {
                    Payload = _frame.Length == 0 ? default : _buffer.AsMemory(_length - (int)_frame.Length, (int)_frame.Length);
                    return FrameKind.Fragment;
                }

                continue;
            }

            _emptyFragments = 0;

            FrameKind message = _message;
            _message = FrameKind.None;
            if (!_isSkipping)
            {
                return Finish(message);
            }

            _isSkipping = false;
        }
    }

    // A message has a longest length, and so an end, unless its fragments bring nothing.
    private void CountEmptyFragment()
    {
        if (_frame.Length == 0 && ++_emptyFragments > MaxEmptyFragments)
        {
            throw new FrameException(PolicyViolation, "A message has too many empty fragments.");
        }
    }

    /// <summary>Gives the buffer back, unless a message is on its way in.</summary>
    public void Release()
    {
        if (_message == FrameKind.None)
        {
            ReturnBuffer();
        }
    }

    /// <summary>Gives the buffer back whatever it holds: there will be no more reads.</summary>
    public void ReturnBuffer()
    {
        Payload = default;
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Reads a header, and the whole of a control frame. Returns what there is to tell already.
    private FrameKind Begin(ref ReadOnlySequence<byte> input)
    {
        ReadOnlySpan<byte> bytes = input.FirstSpan;
        if (bytes.Length < FrameHeader.MaxBytes && !input.IsSingleSegment)
        {
            Span<byte> start = stackalloc byte[FrameHeader.MaxBytes];
            int count = (int)Math.Min(start.Length, input.Length);
            input.Slice(0, count).CopyTo(start);
            return Begin(ref input, start[..count]);
        }

        return Begin(ref input, bytes);
    }

    private FrameKind Begin(ref ReadOnlySequence<byte> input, scoped ReadOnlySpan<byte> start)
    {
        if (!FrameHeader.TryRead(start, out FrameHeader header, out int headerBytes))
        {
            return FrameKind.None;
        }

        header.Check(isWithinMessage: _message != FrameKind.None, mayBeCompressed);
        if (header.IsControl)
        {
            // Short enough to wait for as a whole.
            return input.Length < headerBytes + header.Length ? FrameKind.None : ReadControl(ref input, header, headerBytes);
        }

        input = input.Slice(headerBytes);
        _frame = header;
        _left = header.Length;
        _isInFrame = true;
        if (_message == FrameKind.None)
        {
            _message = header.Opcode == FrameHeader.Text ? FrameKind.Text : FrameKind.Binary;
            _isCompressed = header.IsCompressed;
            _length = 0;
        }

        if (_isSkipping || header.Length <= LongestToTake - _length)
        {
            return FrameKind.None;
        }

        _isSkipping = true;
        ReturnBuffer();
        return FrameKind.TooLarge;
    }

    private FrameKind ReadControl(ref ReadOnlySequence<byte> input, in FrameHeader header, int headerBytes)
    {
        // It may stand between the fragments of a message, which keeps the buffer: so it gets room of its own.
        byte[] payload = header.Length == 0 ? [] : new byte[header.Length];
        input.Slice(headerBytes, header.Length).CopyTo(payload);
        input = input.Slice(headerBytes + header.Length);
        Unmask(payload, payload, header.Mask);
        Payload = payload;
        return header.Opcode switch
        {
            FrameHeader.Ping => FrameKind.Ping,
            FrameHeader.Pong => FrameKind.Pong,
            _ => FrameKind.Close,
        };
    }

    // Takes what there is of the frame.
    private void Take(ref ReadOnlySequence<byte> input)
    {
        while (_left > 0 && !input.IsEmpty)
        {
            ReadOnlySpan<byte> bytes = FirstBytes(ref input);
            int count = (int)Math.Min(bytes.Length, _left);
            if (!_isSkipping)
            {
                // The mask goes round every four bytes of the frame, wherever the network cut it.
                int turn = (int)(_frame.Length - _left) & 3;
                Unmask(bytes[..count], Room(count), Turn(_frame.Mask, turn));
                _length += count;
            }

            _left -= count;
            input = input.Slice(count);
        }
    }

    private FrameKind Finish(FrameKind message)
    {
        CompressedLength = _isCompressed ? _length : 0;
        if (_isCompressed && !TryInflate())
        {
            return FrameKind.TooLarge;
        }

        Payload = _length == 0 ? default : _buffer.AsMemory(0, _length);
        if (message == FrameKind.Text && !Utf8.IsValid(Payload.Span))
        {
            throw new FrameException(1007, "A text message is not valid UTF-8.");
        }

        return message;
    }

    // Replaces the compressed message by what was compressed.
    private bool TryInflate()
    {
        ReadOnlySpan<byte> tail = MessageInflater.Tail;
        tail.CopyTo(Room(tail.Length));
        int length = MessageInflater.Inflate(_buffer!, _length + tail.Length, maxMessageBytes, out byte[]? inflated);
        ReturnBuffer();
        _buffer = inflated;
        _length = length;
        return inflated is not null;
    }

    private Span<byte> Room(int count)
    {
        int needed = _length + count;
        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(FirstBufferBytes, needed));
        }
        else if (_buffer.Length < needed)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Max(needed, Math.Min(_buffer.Length * 2L, maxMessageBytes)));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsSpan(_length, count);
    }

    // Of a sequence that is not empty; segments may be.
    private static ReadOnlySpan<byte> FirstBytes(ref ReadOnlySequence<byte> input)
    {
        while (input.FirstSpan.IsEmpty)
        {
            SequencePosition next = input.Start;
            input.TryGet(ref next, out _);
            input = input.Slice(next);
        }

        return input.FirstSpan;
    }

    private static uint Turn(uint mask, int bytes) =>
        BitConverter.IsLittleEndian ? BitOperations.RotateRight(mask, bytes * 8) : BitOperations.RotateLeft(mask, bytes * 8);

    // RFC 6455, section 5.3. Source and target may be the same.
    private static void Unmask(ReadOnlySpan<byte> source, Span<byte> target, uint mask)
    {
        int done = 0;
        if (Vector.IsHardwareAccelerated && source.Length >= Vector<byte>.Count)
        {
            Vector<byte> masks = Vector.AsVectorByte(new Vector<uint>(mask));
            for (; done <= source.Length - Vector<byte>.Count; done += Vector<byte>.Count)
            {
                (new Vector<byte>(source[done..]) ^ masks).CopyTo(target[done..]);
            }
        }

        // Vectors have a multiple of four bytes, so the mask still begins at its first.
        Span<byte> key = MemoryMarshal.AsBytes(new Span<uint>(ref mask));
        for (; done < source.Length; done++)
        {
            target[done] = (byte)(source[done] ^ key[done & 3]);
        }
    }
}
