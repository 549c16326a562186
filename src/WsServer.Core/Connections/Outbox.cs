using Microsoft.Extensions.Logging;
using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>What an outbox needs from the server, the same for all connections.</summary>
internal sealed record OutboxSettings(
    long MaxBytes, int ErrorBudget, TimeProvider Time, EventMetrics Metrics, ILogger Logger, int ShardSize = 2_048);

/// <summary>
/// What waits to be sent to one client, and the one writer that sends it. Bounded in bytes beyond the message that is
/// being written, so that one message of any size always fits an empty outbox. Putting a client out is completing
/// its outbox.
/// </summary>
/// <remarks>
/// Safe for concurrent use. The order of posts is the order on the wire. Posting never waits. What is posted while a
/// <see cref="Gathering"/> is open on the poster's thread leaves when it closes.
/// </remarks>
internal sealed class Outbox(ITransport transport, IPacketCodec codec, string home, OutboxSettings settings, CancellationToken aborted)
{
    // Past this many bytes a batch is sent before more is gathered.
    private const int BatchBytes = 64 * 1024;

    /// <summary>The outbox, its transport, the transport's writer, that one's output, and a socket.</summary>
    public const int PrefetchedLinks = 5;

    private readonly TaskCompletionSource<Closing> _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IPacketCodec _codec = codec;
    private volatile Closing? _closing;
    private TaskCompletionSource? _finished;
    private ErrorBudget? _errors;
    private volatile Gathering? _heldBy;
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

    /// <summary>Whether something waits for a gathering to close.</summary>
    public bool IsHeld => _heldBy is not null;

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
            lock (this)
            {
                return _queue.BytesBehindFirst;
            }
        }
    }

    /// <summary>Takes a packet for this client alone.</summary>
    public bool Post(in Packet packet)
    {
        if (IsCompleted)
        {
            return false;
        }

        if (_codec.Encode(packet, home) is not { } encoded)
        {
            // Nothing is said of it in the client's protocol.
            return true;
        }

        bool isTaken = Post(encoded, isVolatile: false);
        encoded.Release();
        return isTaken;
    }

    /// <summary>Takes packets for this client alone, in order, or none of them: false when they are more than may wait.</summary>
    public bool PostAll(IReadOnlyList<Packet> packets)
    {
        var all = new List<EncodedPacket>(packets.Count);
        foreach (Packet packet in packets)
        {
            if (_codec.Encode(packet, home) is { } encoded)
            {
                all.Add(encoded);
            }
        }

        // One that is complete takes nothing any more, but that is no fault of these: its client was cut off.
        bool isFit = all.Sum(e => e.TotalLength) <= settings.MaxBytes - WaitingBytes;
        foreach (EncodedPacket encoded in all)
        {
            if (isFit)
            {
                Post(encoded, isVolatile: false);
            }

            encoded.Release();
        }

        return isFit;
    }

    /// <summary>Takes a packet. When it does not fit, a volatile one is dropped; any other ends the connection.</summary>
    /// <returns>False when the packet will not be sent.</returns>
    public bool Post(OutgoingPacket packet, bool isVolatile) =>
        !IsCompleted && packet.For(_codec, home) is { } encoded && Post(encoded, isVolatile);

    /// <summary>Answers with an error, which spends from the client's budget; when that is gone, so is the client.</summary>
    public void PostError(in Packet answer)
    {
        settings.Metrics.Error(answer.Error!.Code);
        ErrorBudget errors = LazyInitializer.EnsureInitialized(ref _errors, () => new ErrorBudget(settings.ErrorBudget, settings.Time));
        if (!errors.TrySpend())
        {
            Complete(Closing.TooManyErrors);
            return;
        }

        PostWritable(answer);
    }

    /// <summary>Answers a message that breaks the protocol, or ends the connection if the protocol does that instead.</summary>
    public void PostBreach(in Packet answer)
    {
        if (!TryEndFor(answer))
        {
            PostError(answer);
        }
    }

    /// <summary>Ends the connection of a client that has earned this answer, if its protocol does that instead.</summary>
    public bool TryEndFor(in Packet answer)
    {
        if (!_codec.IsFatal(answer))
        {
            return false;
        }

        settings.Metrics.Error(answer.Error!.Code);
        Complete(Closing.Malformed);
        return true;
    }

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

    /// <summary>Sends what a gathering has held back, unless it is on its way already.</summary>
    public void Flush()
    {
        ReadOnlyMemory<EncodedPacket> batch;
        lock (this)
        {
            _heldBy = null;
            if (_isWriting || _queue.IsEmpty)
            {
                return;
            }

            batch = BeginWriting();
        }

        Write(batch);
    }

    /// <summary>
    /// Asks for one of the objects that <see cref="Flush"/> goes through: with 0 for the outbox itself, which needs not
    /// be near yet, then for one after the other up to <see cref="PrefetchedLinks"/>.
    /// </summary>
    public void Prefetch(int link)
    {
        if (link == 0)
        {
            WsServer.Prefetch.Object(this);
        }
        else if (link == 1)
        {
            WsServer.Prefetch.Object(transport);
        }
        else if (transport is IPrefetched chain)
        {
            chain.Prefetch(link - 2);
        }
    }

    private bool Post(EncodedPacket encoded, bool isVolatile)
    {
        bool isTaken = false;
        while (!isTaken)
        {
            ReadOnlyMemory<EncodedPacket> batch;
            lock (this)
            {
                if (_closing is not null)
                {
                    return false;
                }

                // The first of an idle outbox is the message being written: it does not count, however long it is.
                isTaken = _queue.IsEmpty || _queue.BytesBehindFirst + encoded.TotalLength <= settings.MaxBytes;
                if (isTaken)
                {
                    for (EncodedPacket? next = encoded; next is not null; next = next.Next)
                    {
                        next.Hold();
                        _queue.Add(next);
                    }

                    if (_isWriting || IsHeldNow())
                    {
                        return true;
                    }
                }
                else if (_isWriting)
                {
                    Overflow(isVolatile);
                    return false;
                }

                // It is taken; or what is held leaves first, as the client has had no chance to read it yet.
                batch = BeginWriting();
            }

            Write(batch);
        }

        return true;
    }

    /// <summary>Whether what was posted leaves with a gathering that is open on this thread.</summary>
    private bool IsHeldNow()
    {
        if (Gathering.Current is not { } gathering || (_queue.Bytes >= BatchBytes && !gathering.HoldsAll))
        {
            return false;
        }

        if (_heldBy != gathering)
        {
            // Another thread's may hold it too: the first that closes sends for both.
            _heldBy = gathering;
            gathering.Hold(this);
        }

        return true;
    }

    private void Overflow(bool isVolatile)
    {
        if (isVolatile)
        {
            settings.Metrics.VolatileDropped();
        }
        else
        {
            settings.Metrics.SlowConsumer();
            CompleteLocked(Closing.SlowConsumer);
        }
    }

    private void PostWritable(in Packet answer)
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

    private void CompleteLocked(Closing closing)
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
    private ReadOnlyMemory<EncodedPacket> BeginWriting()
    {
        _isWriting = true;
        return _queue.Take(BatchBytes);
    }

    // The first batch leaves on the poster's thread, without a hop, if the transport takes it. Those after it do not:
    // other posters could feed them for ever, and this one has more to do.
    private void Write(ReadOnlyMemory<EncodedPacket> batch)
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
        lock (this)
        {
            batch = _queue.Take(BatchBytes);
            if (!batch.IsEmpty)
            {
                return true;
            }

            _isWriting = _closing is not null;
        }

        if (_closing is { } closing)
        {
            _ = SayGoodbyeAsync(closing);
        }

        return false;
    }

    /// <summary>A batch is sent. True when nothing waits behind it and the writer has ended.</summary>
    private bool EndBatch()
    {
        lock (this)
        {
            _queue.ReleaseTaken();
            if (!_queue.IsEmpty || _closing is not null)
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
                if (closing.Error is { } error && _codec.Encode(new Packet(PacketKind.Error) { Error = error }, home) is { } last)
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
