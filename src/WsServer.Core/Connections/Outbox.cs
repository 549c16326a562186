using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>What an outbox needs from the server, the same for all connections.</summary>
internal sealed record OutboxSettings(long MaxBytes, int ErrorBudget, TimeProvider Time, EventMetrics Metrics, ILogger Logger);

/// <summary>
/// What waits to be sent to one client, and the one writer that sends it. Bounded in bytes beyond the message that is
/// being written, so that one message of any size always fits an empty outbox. Putting a client out is completing
/// its outbox.
/// </summary>
/// <remarks>Safe for concurrent use. The order of posts is the order on the wire. Posting never waits.</remarks>
internal sealed class Outbox(ITransport transport, IPacketCodec codec, string home, OutboxSettings settings, CancellationToken aborted)
{
    // Past this many bytes a batch is sent before more is gathered.
    private const int BatchBytes = 64 * 1024;

    // An outbox that has held more than so many gives their places back when it is empty.
    private const int KeptPackets = 32;

    private readonly Lock _gate = new();
    private readonly Queue<EncodedPacket> _waiting = new();
    private readonly ErrorBudget _errors = new(settings.ErrorBudget, settings.Time);
    private readonly TaskCompletionSource<Closing> _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IPacketCodec _codec = codec;
    private EncodedPacket[] _batch = new EncodedPacket[1];
    private int _batchCount;
    private long _batchTailBytes;
    private long _bytes;
    private bool _isWriting;

    /// <summary>Completes as soon as no more is accepted; what was accepted may still be on its way.</summary>
    public Task<Closing> Completed => _completed.Task;

    /// <summary>Completes when everything is written and the goodbye said, or the connection is broken.</summary>
    public Task Finished => _finished.Task;

    /// <summary>The connection's own namespace.</summary>
    public string Home => home;

    /// <summary>The codec in use for this client.</summary>
    public IPacketCodec Codec
    {
        get => _codec;
        set => _codec = value;
    }

    /// <summary>The bytes that wait, without the message that is being written.</summary>
    public long WaitingBytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Takes a packet for this client alone.</summary>
    public bool Post(Packet packet) => Post(new OutgoingPacket(packet), isVolatile: false);

    /// <summary>Takes a packet. When it does not fit, a volatile one is dropped; any other ends the connection.</summary>
    /// <returns>False when the packet will not be sent.</returns>
    public bool Post(OutgoingPacket packet, bool isVolatile)
    {
        if (_completed.Task.IsCompleted)
        {
            return false;
        }

        EncodedPacket encoded = packet.For(_codec, home);
        lock (_gate)
        {
            if (_completed.Task.IsCompleted)
            {
                return false;
            }

            if (_isWriting)
            {
                return Enqueue(encoded, isVolatile);
            }

            // The first of an idle outbox is the message being written: it does not count, however long it is.
            _isWriting = true;
            _batch[0] = encoded;
            _batchCount = 1;
        }

        _ = WriteAsync();
        return true;
    }

    /// <summary>Answers with an error, which spends from the client's budget; when that is gone, so is the client.</summary>
    public void PostError(Packet answer)
    {
        settings.Metrics.Error(answer.Error!.Code);
        if (!_errors.TrySpend())
        {
            Complete(Closing.TooManyErrors);
            return;
        }

        PostWritable(answer);
    }

    /// <summary>Ends the connection: nothing more is taken, and the client is told why. The first call counts.</summary>
    public void Complete(Closing closing)
    {
        lock (_gate)
        {
            CompleteLocked(closing);
            if (_isWriting)
            {
                return;
            }

            _isWriting = true;
        }

        _ = WriteAsync();
    }

    private void PostWritable(Packet answer)
    {
        try
        {
            Post(answer);
        }
        catch (Exception exception)
        {
            // A handler's details may hold what JSON has no form for, such as NaN. The client is owed an answer even so.
            settings.Logger.DetailsFailed(exception, answer.Error!.Code);
            Post(answer with { Error = answer.Error with { Details = null } });
        }
    }

    private bool Enqueue(EncodedPacket encoded, bool isVolatile)
    {
        if (_bytes + encoded.Length <= settings.MaxBytes)
        {
            _waiting.Enqueue(encoded);
            _bytes += encoded.Length;
            return true;
        }

        if (isVolatile)
        {
            settings.Metrics.VolatileDropped();
        }
        else
        {
            settings.Metrics.SlowConsumer();
            CompleteLocked(Closing.SlowConsumer);
        }

        return false;
    }

    private void CompleteLocked(Closing closing)
    {
        if (_completed.TrySetResult(closing) && !closing.Flush)
        {
            _waiting.Clear();
            _bytes = _batchTailBytes;
        }
    }

    // The first batch begins on the poster's thread, without a hop. Those after it do not: other posters could feed
    // them for ever, and this one has more to do.
    private async Task WriteAsync()
    {
        try
        {
            bool isOver = _batchCount == 0 && !NextBatch(out _);
            while (!isOver)
            {
                await transport.SendAsync(_batch.AsMemory(0, _batchCount), aborted).ConfigureAwait(false);
                if (NextBatch(out isOver))
                {
                    await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                }
                else if (!isOver)
                {
                    return;
                }
            }

            await SayGoodbyeAsync(await _completed.Task.ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Whatever a transport throws, only its own client may be harmed by it.
            settings.Logger.SendFailed(exception);
            lock (_gate)
            {
                CompleteLocked(Closing.Broken);
            }
        }

        _finished.TrySetResult();
    }

    /// <summary>Takes what is to be written next. When there is nothing, the writer ends: for good, if the outbox is complete.</summary>
    private bool NextBatch(out bool isOver)
    {
        lock (_gate)
        {
            Array.Clear(_batch, 0, _batchCount);
            _batchCount = 0;
            _bytes -= _batchTailBytes;
            _batchTailBytes = 0;
            isOver = false;
            if (!_waiting.TryDequeue(out EncodedPacket? packet))
            {
                isOver = _completed.Task.IsCompleted;
                _isWriting = isOver;
                GiveBack();
                return false;
            }

            _bytes -= packet.Length;
            _batch[_batchCount++] = packet;
            long size = packet.Length;
            while (size < BatchBytes && _waiting.TryDequeue(out packet))
            {
                if (_batchCount == _batch.Length)
                {
                    Array.Resize(ref _batch, Math.Max(8, _batchCount * 2));
                }

                _batch[_batchCount++] = packet;
                _batchTailBytes += packet.Length;
                size += packet.Length;
            }

            return true;
        }
    }

    /// <summary>After a burst, the memory that many waiting packets took.</summary>
    private void GiveBack()
    {
        if (_waiting.Capacity > KeptPackets)
        {
            _waiting.TrimExcess(0);
        }

        if (_batch.Length > KeptPackets)
        {
            _batch = new EncodedPacket[1];
        }
    }

    private async Task SayGoodbyeAsync(Closing closing)
    {
        if (closing == Closing.Broken)
        {
            return;
        }

        if (closing.Error is { } error)
        {
            EncodedPacket last = _codec.Encode(new Packet(PacketKind.Error) { Error = error }, home);
            await transport.SendAsync(new[] { last }, aborted).ConfigureAwait(false);
        }

        await transport.CloseAsync(closing.ToTransport(), aborted).ConfigureAwait(false);
    }
}
