using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>What becomes of packets for a client that lags: one that is being written to while more comes for it.</summary>
internal sealed partial class Outbox
{
    /// <summary>Whether there is room for a packet; for a client that lags, after what its terms say has been done.</summary>
    private bool Fits(EncodedPacket encoded)
    {
        long length = encoded.TotalLength;
        DropTerms? terms = encoded.Terms;
        bool isFit = Queue.BytesBehindFirst + length <= (terms is { IsTold: true } ? Settings.DroppableBytes : Settings.MaxBytes);
        if (!IsWriting || (isFit && terms is not { Kind: DropKind.Conflate }))
        {
            return isFit;
        }

        return terms switch
        {
            null => MakesRoom(length) || PutOut(),
            { IsTold: false } => Refuse(terms),
            _ => MakesRoom(terms, length) || Refuse(terms),
        };
    }

    /// <summary>Drops what may have to go for a packet that may not be lost, if that is enough.</summary>
    private bool MakesRoom(long length)
    {
        if (Queue.BytesBehindFirst - Queue.RemovableBytes + length > Settings.MaxBytes)
        {
            return false;
        }

        while (Queue.BytesBehindFirst + length > Settings.MaxBytes)
        {
            if (!DropsOldest())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Makes room on the terms of a packet that may be lost itself, if that is enough.</summary>
    private bool MakesRoom(DropTerms terms, long length)
    {
        // If there is no room beside what stays in any case, the rest need not go.
        long removable = terms.IsRemovable ? Queue.RemovableBytes : 0;
        if (Queue.DroppableBytes - removable + length > Settings.DroppableBytes || Queue.BytesBehindFirst - removable + length > Settings.MaxBytes)
        {
            return false;
        }

        if (terms.Kind == DropKind.Conflate && Queue.TryConflate(terms))
        {
            Settings.Metrics.Conflated();
        }

        while (Queue.DroppableBytes + length > Settings.DroppableBytes || Queue.BytesBehindFirst + length > Settings.MaxBytes)
        {
            if (!terms.IsRemovable || !DropsOldest())
            {
                return false;
            }
        }

        return true;
    }

    private bool DropsOldest()
    {
        if (!Queue.TryDropOldest(out DropTerms? terms))
        {
            return false;
        }

        Settings.Metrics.Dropped(terms.Policy);
        return true;
    }

    private bool Refuse(DropTerms terms)
    {
        if (terms.IsTold)
        {
            Settings.Metrics.Dropped(terms.Policy);
            Queue.Miss(terms);
        }
        else
        {
            Settings.Metrics.VolatileDropped();
        }

        return false;
    }

    private bool PutOut()
    {
        Settings.Metrics.SlowConsumer();
        CompleteLocked(Closing.SlowConsumer);
        return false;
    }
}
