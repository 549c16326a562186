using System.Buffers;
using System.Collections;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace WsServer.Hosting;

// What Kestrel and connection middleware find out about a connection, and set. The connection is its own collection of
// features, and most of the features itself: there is one for each connection, idle or not.
internal sealed partial class DirectConnection : IFeatureCollection, IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature,
    IMemoryPoolFeature, IConnectionLifetimeFeature, IConnectionSocketFeature
{
    private static readonly Type[] OwnFeatures =
    [
        typeof(IConnectionIdFeature), typeof(IConnectionTransportFeature), typeof(IConnectionItemsFeature),
        typeof(IMemoryPoolFeature), typeof(IConnectionLifetimeFeature), typeof(IConnectionSocketFeature),
    ];

    private static long _lastId = Random.Shared.NextInt64(1L << 51);

    private (Type Type, object? Feature)[] _added = [];
    private int _addedCount;
    private int _revision;
    private string? _id;
    private IDictionary<object, object?>? _items;

    public override string ConnectionId
    {
        get => _id ??= Interlocked.Increment(ref _lastId).ToString("X13", CultureInfo.InvariantCulture);
        set => _id = value;
    }

    public override IDuplexPipe Transport { get; set; }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IFeatureCollection Features => this;

    MemoryPool<byte> IMemoryPoolFeature.MemoryPool => _settings.Memory;

    System.Net.Sockets.Socket IConnectionSocketFeature.Socket => _socket;

    bool IFeatureCollection.IsReadOnly => false;

    int IFeatureCollection.Revision => _revision;

    object? IFeatureCollection.this[Type key]
    {
        get => Find(key);
        set => Set(key, value);
    }

    TFeature? IFeatureCollection.Get<TFeature>()
        where TFeature : default => (TFeature?)Find(typeof(TFeature));

    void IFeatureCollection.Set<TFeature>(TFeature? instance)
        where TFeature : default => Set(typeof(TFeature), instance);

    void IConnectionLifetimeFeature.Abort() => Abort();

    IEnumerator<KeyValuePair<Type, object>> IEnumerable<KeyValuePair<Type, object>>.GetEnumerator()
    {
        IEnumerable<Type> all = OwnFeatures.Union(_added.Take(_addedCount).Select(a => a.Type));
        return all.Where(t => Find(t) is not null).Select(t => KeyValuePair.Create(t, Find(t)!)).GetEnumerator();
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<KeyValuePair<Type, object>>)this).GetEnumerator();

    private object? Find(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        int at = IndexOf(type);
        return at >= 0 ? _added[at].Feature : Array.IndexOf(OwnFeatures, type) >= 0 ? this : null;
    }

    private void Set(Type type, object? feature)
    {
        ArgumentNullException.ThrowIfNull(type);
        _revision++;
        int at = IndexOf(type);
        if (at < 0)
        {
            // Kestrel adds four.
            if (_addedCount == _added.Length)
            {
                Array.Resize(ref _added, _addedCount + 4);
            }

            at = _addedCount++;
        }

        _added[at] = (type, feature);
    }

    private int IndexOf(Type type)
    {
        for (int i = 0; i < _addedCount; i++)
        {
            if (_added[i].Type == type)
            {
                return i;
            }
        }

        return -1;
    }
}
