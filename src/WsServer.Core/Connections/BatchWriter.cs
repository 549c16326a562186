using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// The one writer of a connection: takes what waits in its queue, batch by batch, sends one batch at a time and says
/// goodbye in the end. Between two batches it tells a client that lags what it has missed.
/// </summary>
/// <remarks>
/// The base of <see cref="Outbox"/> and not a part of it, so that a delivery goes through one object less. It locks
/// itself: a lock object would be larger than what it guards.
/// </remarks>
internal abstract class BatchWriter(ITransport transport, OutboxSettings settings, CancellationToken aborted)
{
    // Past this many bytes a batch is sent before more is gathered.
    protected const int BatchBytes = 64 * 1024;

    private readonly TaskCompletionSource<Closing> _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Closing? _closing;
    private TaskCompletionSource? _finished;
    private PacketQueue _queue;
    private bool _isWriting;
    private bool _isFinished;

    /// <summary>Completes as soon as no more is accepted; what was accepted may still be on its way.</summary>
    public Task<Closing> Completed => _completed.Task;

    public bool IsCompleted => _closing is not null;

    /// <summary>Completes when everything is written and the goodbye said, or the connection is broken.</summary>
    public Task Finished
    {
        get
        {
            lock (this)
            {
                return _isFinished ? Task.CompletedTask : (_finished ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }
    }

    /// <summary>What it was made with.</summary>
    public OutboxSettings Settings => settings;

    /// <summary>The bytes that wait, without the message that is being written.</summary>
    public long WaitingBytes
    {
        get
        {
            lock (this)
            {
                return _queue.BytesBehindFirst;
            }
        }
    }

    /// <summary>What waits and what is being written, in order; under the lock.</summary>
    protected ref PacketQueue Queue => ref _queue;

    /// <summary>Whether the writer is at work, and will come for what is added to the queue; under the lock.</summary>
    protected bool IsWriting => _isWriting;

    protected ITransport Transport => transport;

    /// <summary>Ends the connection: nothing more is taken, and the client is told why. The first call counts.</summary>
    public void Complete(Closing closing)
    {
        ReadOnlyMemory<EncodedPacket> batch;
        lock (this)
        {
            CompleteLocked(closing);
            if (_isWriting)
            {
                return;
            }

            batch = BeginWriting();
        }

        Write(batch);
    }

    /// <summary>Makes a packet ready to be sent; null when the client's protocol has no word for it.</summary>
    protected abstract EncodedPacket? Encode(in Packet packet);

    protected void CompleteLocked(Closing closing)
    {
        if (_closing is not null)
        {
            return;
        }

        _closing = closing;
        if (!closing.Flush)
        {
            _queue.DropWaiting();
        }

        _completed.TrySetResult(closing);
    }

    // Under the lock, which is then left: for Write.
    protected ReadOnlyMemory<EncodedPacket> BeginWriting()
    {
        _isWriting = true;
        return _queue.Take(BatchBytes);
    }

    // The first batch leaves on the poster's thread, without a hop, if the transport takes it. Those after it do not:
    // other posters could feed them for ever, and this one has more to do.
    protected void Write(ReadOnlyMemory<EncodedPacket> batch)
    {
        if (batch.IsEmpty)
        {
            // Completed, with nothing left to send.
            _ = SayGoodbyeAsync(_closing!);
            return;
        }

        ValueTask sending;
        try
        {
            sending = transport.SendAsync(batch, aborted);
        }
        catch (Exception exception)
        {
            Fail(exception);
            return;
        }

        if (!sending.IsCompletedSuccessfully)
        {
            _ = WriteRestAsync(sending, isEnded: false);
        }
        else if (!EndBatch())
        {
            _ = WriteRestAsync(ValueTask.CompletedTask, isEnded: true);
        }
    }

    // Whether the send has ended is not asked again: it may have meanwhile, and its batch is still to be let go.
    private async Task WriteRestAsync(ValueTask sending, bool isEnded)
    {
        try
        {
            if (isEnded)
            {
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }
            else
            {
                await sending.ConfigureAwait(false);
                if (EndBatch())
                {
                    return;
                }
            }

            while (TryTakeBatch(out ReadOnlyMemory<EncodedPacket> batch))
            {
                await transport.SendAsync(batch, aborted).ConfigureAwait(false);
                if (EndBatch())
                {
                    return;
                }

                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    /// <summary>Takes what is to be written next. When there is nothing, the writer ends: for good, if the outbox is complete.</summary>
    private bool TryTakeBatch(out ReadOnlyMemory<EncodedPacket> batch)
    {
        while (true)
        {
            MissedEvents? missed;
            lock (this)
            {
                missed = _queue.TakeMissed();
                batch = missed is null ? _queue.Take(BatchBytes) : default;
                if (missed is null && batch.IsEmpty)
                {
                    _isWriting = _closing is not null;
                    break;
                }
            }

            if (missed is not null)
            {
                batch = Announce(missed);
            }

            if (!batch.IsEmpty)
            {
                return true;
            }
        }

        if (_closing is { } closing)
        {
            _ = SayGoodbyeAsync(closing);
        }

        return false;
    }

    // These are in no queue, so nobody releases them, and they go to the garbage collector.
    private EncodedPacket[] Announce(MissedEvents missed)
    {
        foreach ((string ns, long count) in missed.Counts)
        {
            settings.Logger.Lagged(count, ns);
        }

        return [.. missed.ToPackets().Select(p => Encode(p)).OfType<EncodedPacket>()];
    }

    /// <summary>A batch is sent. True when nothing waits behind it and the writer has ended.</summary>
    private bool EndBatch()
    {
        lock (this)
        {
            _queue.ReleaseTaken();
            if (!_queue.IsEmpty || _queue.HasMissed || _closing is not null)
            {
                return false;
            }

            _isWriting = false;
            return true;
        }
    }

    private async Task SayGoodbyeAsync(Closing closing)
    {
        try
        {
            if (closing != Closing.Broken)
            {
                if (closing.Error is { } error && Encode(new Packet(PacketKind.Error) { Error = error }) is { } last)
                {
                    await transport.SendAsync(new[] { last }, aborted).ConfigureAwait(false);
                    last.Release();
                }

                await transport.CloseAsync(closing.ToTransport(), aborted).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            settings.Logger.SendFailed(exception);
        }

        Finish();
    }

    // Whatever a transport throws, only its own client may be harmed by it. What was being sent is not released: nobody
    // knows whether it is still read.
    private void Fail(Exception exception)
    {
        settings.Logger.SendFailed(exception);
        lock (this)
        {
            CompleteLocked(Closing.Broken);
        }

        Finish();
    }

    private void Finish()
    {
        lock (this)
        {
            _isFinished = true;
            _finished?.TrySetResult();
        }
    }
}
