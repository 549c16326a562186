using WsServer.Diagnostics;
using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// What waits to be sent to one client, with the writer that sends it. Bounded in bytes beyond the message that is
/// being written, so that one message of any size always fits an empty outbox; what does not fit is lost on the terms
/// of its packet, or ends the connection. Putting a client out is completing its outbox.
/// </summary>
/// <remarks>
/// Safe for concurrent use. The order of posts is the order on the wire. Posting never waits. What is posted while a
/// <see cref="Gathering"/> is open on the poster's thread leaves when it closes.
/// </remarks>
internal sealed partial class Outbox(ITransport transport, IPacketCodec codec, string home, OutboxSettings settings, CancellationToken aborted)
    : BatchWriter(transport, settings, aborted)
{
    /// <summary>The outbox, its transport, the transport's writer, that one's output, and a socket.</summary>
    public const int PrefetchedLinks = 5;

    private volatile IPacketCodec _codec = codec;
    private ErrorBudget? _errors;
    private volatile Gathering? _heldBy;

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

    /// <summary>Takes a packet for this client alone.</summary>
    /// <returns>False when the packet will not be sent.</returns>
    public bool Post(in Packet packet, DropTerms? terms = null)
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

        encoded.Terms = terms;
        bool isTaken = Post(encoded);
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
        bool isFit = all.Sum(e => e.TotalLength) <= Settings.MaxBytes - WaitingBytes;
        foreach (EncodedPacket encoded in all)
        {
            if (isFit)
            {
                Post(encoded);
            }

            encoded.Release();
        }

        return isFit;
    }

    /// <summary>Takes a packet. When it does not fit, it is lost on its terms; without any, it ends the connection.</summary>
    /// <returns>False when the packet will not be sent.</returns>
    public bool Post(OutgoingPacket packet) => !IsCompleted && packet.For(_codec, home) is { } encoded && Post(encoded);

    /// <summary>Answers with an error, which spends from the client's budget; when that is gone, so is the client.</summary>
    public void PostError(in Packet answer)
    {
        Settings.Metrics.Error(answer.Error!.Code);
        ErrorBudget errors = LazyInitializer.EnsureInitialized(ref _errors, () => new ErrorBudget(Settings.ErrorBudget, Settings.Time));
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

        Settings.Metrics.Error(answer.Error!.Code);
        Complete(Closing.Malformed);
        return true;
    }

    /// <summary>Sends what a gathering has held back, unless it is on its way already.</summary>
    public void Flush()
    {
        ReadOnlyMemory<EncodedPacket> batch;
        lock (this)
        {
            _heldBy = null;
            if (IsWriting || Queue.IsEmpty)
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
            WsServer.Prefetch.Object(Transport);
        }
        else if (Transport is IPrefetched chain)
        {
            chain.Prefetch(link - 2);
        }
    }

    protected override EncodedPacket? Encode(in Packet packet) => _codec.Encode(packet, home);

    private bool Post(EncodedPacket encoded)
    {
        bool isTaken = false;
        while (!isTaken)
        {
            ReadOnlyMemory<EncodedPacket> batch;
            lock (this)
            {
                if (IsCompleted)
                {
                    return false;
                }

                // The first of an idle outbox is the message being written: it does not count, however long it is.
                isTaken = Queue.IsEmpty || Fits(encoded);
                if (isTaken)
                {
                    for (EncodedPacket? next = encoded; next is not null; next = next.Next)
                    {
                        next.Hold();
                        Queue.Add(next);
                    }

                    if (IsWriting || IsHeldNow())
                    {
                        return true;
                    }
                }
                else if (IsWriting)
                {
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
        if (Gathering.Current is not { } gathering || (Queue.Bytes >= BatchBytes && !gathering.HoldsAll))
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

    private void PostWritable(in Packet answer)
    {
        try
        {
            Post(answer);
        }
        catch (Exception exception)
        {
            // A handler's details may hold what JSON has no form for, such as NaN. The client is owed an answer even so.
            Settings.Logger.DetailsFailed(exception, answer.Error!.Code);
            Post(answer with { Error = answer.Error with { Details = null } });
        }
    }
}
