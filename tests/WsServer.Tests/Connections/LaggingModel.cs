using System.Globalization;
using WsServer.Wire;

namespace WsServer.Tests.Connections;

/// <summary>
/// What docs/protocol.md says of a client that lags, in the plainest way: lists that are searched from the beginning.
/// Says of each post whether it is taken, and of each batch what is in it.
/// </summary>
internal sealed class LaggingModel(long maxBytes, long maxDroppable)
{
    private readonly List<Item> _waiting = [];
    private List<Item> _inFlight = [];
    private int? _gap;
    private long _missed;

    /// <summary>One event.</summary>
    internal sealed record Item(int Number, long Bytes, DropKind? Kind, string Key = "")
    {
        public bool IsDroppable => Kind is DropKind.Newest or DropKind.Oldest or DropKind.Conflate;

        public bool IsRemovable => Kind is DropKind.Oldest or DropKind.Conflate;
    }

    public long Dropped { get; private set; }

    public long Conflated { get; private set; }

    public bool IsPutOut { get; private set; }

    public bool IsWriting { get; private set; }

    public bool HasMore => _waiting.Count > 0 || _gap is not null;

    /// <summary>What waits beyond the one that is being written or will be next.</summary>
    public long WaitingBytes => _inFlight.Concat(_waiting).Skip(1).Sum(i => i.Bytes);

    /// <summary>What of it may be dropped.</summary>
    public long DroppableBytes => _waiting.Skip(_inFlight.Count == 0 ? 1 : 0).Where(i => i.IsDroppable).Sum(i => i.Bytes);

    public bool Post(Item item)
    {
        if (!IsWriting)
        {
            IsWriting = true;
            _inFlight = [item];
            return true;
        }

        bool isFirst = _inFlight.Count + _waiting.Count == 0;
        if (!isFirst && !MakesRoom(item))
        {
            if (item.Kind is null)
            {
                IsPutOut = true;
            }
            else if (item.IsDroppable)
            {
                Miss(_waiting.Count);
            }

            return false;
        }

        _waiting.Add(item);
        return true;
    }

    /// <summary>A batch is sent; the next one, as the client sees it, or null when there is none.</summary>
    public List<string>? EndSend()
    {
        _inFlight = [];
        if (!HasMore)
        {
            IsWriting = false;
            return null;
        }

        if (_gap == 0)
        {
            string told = string.Create(CultureInfo.InvariantCulture, $"missed {_missed}");
            _gap = null;
            _missed = 0;
            return [told];
        }

        int count = _gap ?? _waiting.Count;
        _inFlight = _waiting[..count];
        _waiting.RemoveRange(0, count);
        _gap -= count;
        return [.. _inFlight.Select(i => i.Number.ToString(CultureInfo.InvariantCulture))];
    }

    private bool MakesRoom(Item item)
    {
        bool isOfPolicy = item.IsDroppable;
        long removable = item.Kind is null || item.IsRemovable ? _waiting.Where(i => i.IsRemovable).Sum(i => i.Bytes) : 0;
        if ((isOfPolicy && DroppableBytes - removable + item.Bytes > maxDroppable) || WaitingBytes - removable + item.Bytes > maxBytes)
        {
            return false;
        }

        if (item.Kind == DropKind.Conflate && _waiting.FindIndex(i => i.Kind == DropKind.Conflate && i.Key == item.Key) is var same and >= 0)
        {
            RemoveAt(same);
            Conflated++;
        }

        while (WaitingBytes + item.Bytes > maxBytes || (isOfPolicy && DroppableBytes + item.Bytes > maxDroppable))
        {
            int oldest = _waiting.FindIndex(i => i.IsRemovable);
            if (oldest < 0 || item.Kind is DropKind.Newest or DropKind.Volatile)
            {
                return false;
            }

            Miss(oldest);
            RemoveAt(oldest);
        }

        return true;
    }

    private void RemoveAt(int index)
    {
        _waiting.RemoveAt(index);
        _gap -= _gap > index ? 1 : 0;
    }

    private void Miss(int index)
    {
        Dropped++;
        _missed++;
        _gap = Math.Min(_gap ?? index, index);
    }
}
