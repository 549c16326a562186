namespace WsServer.LoadTest.Client;

/// <summary>How far a connection is.</summary>
internal enum ConnectionState
{
    Connecting,
    Upgrading,
    Greeting,
    Ready,
    Closing,
    Closed,
}

/// <summary>One client. Only the loop's thread touches it.</summary>
internal sealed class Connection(int index)
{
    private byte[] _rest = [];
    private int _restLength;
    private byte[] _message = [];
    private int _messageLength;

    /// <summary>Its place in <see cref="LoadClient.Connections"/>.</summary>
    public int Index { get; } = index;

    public int Descriptor { get; set; } = -1;

    public ConnectionState State { get; set; } = ConnectionState.Closed;

    /// <summary>Whether it is one of those that do not read for a while.</summary>
    public bool IsSlow { get; set; }

    /// <summary>The number of the message that has to come next.</summary>
    public long Next { get; set; }

    /// <summary>When it sent what it waits for the answer to, or began to connect.</summary>
    public long SentAt { get; set; }

    /// <summary>The room it is in.</summary>
    public int Room { get; set; }

    /// <summary>The status and the text of the server's close frame.</summary>
    public string? CloseReason { get; set; }

    /// <summary>What the kernel would not take yet.</summary>
    public byte[]? Unsent { get; set; }

    /// <summary>Whether the message whose beginnings are kept goes on.</summary>
    public bool IsFragmented => _messageLength > 0;

    /// <summary>Keeps the beginning of a frame until the rest has come.</summary>
    public void KeepRest(ReadOnlySpan<byte> rest) => Replace(ref _rest, ref _restLength, rest);

    /// <summary>Puts the beginning of a frame in front of what will be received, and says how long it is.</summary>
    public int TakeRest(Span<byte> buffer)
    {
        int length = _restLength;
        _rest.AsSpan(0, length).CopyTo(buffer);
        _restLength = 0;
        return length;
    }

    /// <summary>Adds a part of a message that came in several frames.</summary>
    public void AddFragment(ReadOnlySpan<byte> fragment)
    {
        if (_messageLength + fragment.Length > _message.Length)
        {
            Array.Resize(ref _message, Math.Max(256, (_messageLength + fragment.Length) * 2));
        }

        fragment.CopyTo(_message.AsSpan(_messageLength));
        _messageLength += fragment.Length;
    }

    /// <summary>The message that came in several frames; valid until the next one.</summary>
    public ReadOnlySpan<byte> TakeMessage()
    {
        int length = _messageLength;
        _messageLength = 0;
        return _message.AsSpan(0, length);
    }

    /// <summary>Makes it as new, for another connection in the same place.</summary>
    public void Reset(int descriptor)
    {
        Descriptor = descriptor;
        State = ConnectionState.Connecting;
        IsSlow = false;
        CloseReason = null;
        Unsent = null;
        _restLength = 0;
        _messageLength = 0;
    }

    private static void Replace(ref byte[] kept, ref int length, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > kept.Length)
        {
            kept = new byte[Math.Max(256, bytes.Length * 2)];
        }

        bytes.CopyTo(kept);
        length = bytes.Length;
    }
}
