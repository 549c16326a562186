using System.Buffers;
using WsServer.Connections;

namespace WsServer.Tests.Support;

/// <summary>
/// An output that takes as many bytes as a test makes room for, like a socket whose other side reads slowly. Fails when
/// two write at a time.
/// </summary>
/// <param name="room">How many bytes it takes to begin with.</param>
/// <param name="piece">The most that it takes at once.</param>
internal sealed class ManualOutput(long room = long.MaxValue, int piece = int.MaxValue) : IByteOutput
{
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _written = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IOException? _fault;
    private long _room = room;
    private int _writers;
    private int _tries;
    private int _waits;
    private volatile bool _isWaiting;

    /// <summary>What it has taken.</summary>
    public byte[] Written
    {
        get
        {
            lock (_gate)
            {
                return _written.WrittenSpan.ToArray();
            }
        }
    }

    public long WrittenBytes
    {
        get
        {
            lock (_gate)
            {
                return _written.WrittenCount;
            }
        }
    }

    /// <summary>How often it was asked to take what it can at once.</summary>
    public int Tries => Volatile.Read(ref _tries);

    /// <summary>How often it was asked to take everything.</summary>
    public int Waits => Volatile.Read(ref _waits);

    /// <summary>Whether a write waits for room now.</summary>
    public bool IsWaiting => _isWaiting;

    /// <summary>The frames that it has taken; fails when the last is not whole.</summary>
    public List<RawFrame> Frames => ServerFrames.Parse(Written);

    public void MakeRoom(long bytes = long.MaxValue / 2)
    {
        lock (_gate)
        {
            _room += Math.Min(bytes, long.MaxValue - _room);
            Change();
        }
    }

    /// <summary>From now on the connection is broken.</summary>
    public void Break(string why)
    {
        lock (_gate)
        {
            _fault = new IOException(why);
            Change();
        }
    }

    public int TryWrite(ReadOnlySpan<byte> bytes)
    {
        Interlocked.Increment(ref _tries);
        Enter();
        try
        {
            lock (_gate)
            {
                return Take(bytes);
            }
        }
        finally
        {
            Leave();
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _waits);
        Enter();
        try
        {
            while (true)
            {
                Task changed;
                lock (_gate)
                {
                    bytes = bytes[Take(bytes.Span)..];
                    _isWaiting = !bytes.IsEmpty && _room == 0;
                    changed = _isWaiting ? _changed.Task : Task.CompletedTask;
                }

                if (bytes.IsEmpty)
                {
                    return;
                }

                await changed.WaitAsync(cancellationToken);
                await Task.Yield();
            }
        }
        finally
        {
            _isWaiting = false;
            Leave();
        }
    }

    private int Take(ReadOnlySpan<byte> bytes)
    {
        if (_fault is not null)
        {
            throw _fault;
        }

        int count = (int)Math.Min(Math.Min(bytes.Length, piece), _room);
        _room -= count;
        _written.Write(bytes[..count]);
        return count;
    }

    private void Change()
    {
        _changed.TrySetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private void Enter()
    {
        if (Interlocked.Increment(ref _writers) != 1)
        {
            throw new InvalidOperationException("Two write at a time.");
        }
    }

    private void Leave() => Interlocked.Decrement(ref _writers);
}
