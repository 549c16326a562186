using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace WsServer.Connections;

/// <summary>
/// The byte stream under a WebSocket. The server writes whole frames to it itself, since they are shared by many
/// receivers, while the WebSocket above reads and answers the client's pings and close; each write is one whole
/// frame or several, and the gate keeps them apart.
/// </summary>
internal sealed class UpgradeStream(Stream inner, TimeProvider time) : Stream
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private long _lastReceived = time.GetTimestamp();

    /// <summary>When bytes last came in: any byte shows that the other side lives.</summary>
    public long LastReceived => Interlocked.Read(ref _lastReceived);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        Interlocked.Exchange(ref _lastReceived, time.GetTimestamp());
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await inner.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Reads and forgets until the other side closes, so that its last words do not break the connection before it has read ours.</summary>
    public async ValueTask DrainAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(4 * 1024);
        try
        {
            while (await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) > 0)
            {
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Disposing does nothing, on purpose: the WebSocket above disposes its stream when it meets a broken frame, and the
    // close frame with the reason would be lost. The web server owns the stream and ends it when the request ends.
}

/// <summary>
/// Stands in front of the server's upgrade features while <c>UseWebSockets</c> does the handshake, and remembers the
/// stream that it hands out.
/// </summary>
internal sealed class UpgradeCapture : IHttpUpgradeFeature, IHttpExtendedConnectFeature
{
    private readonly IHttpUpgradeFeature? _upgrade;
    private readonly IHttpExtendedConnectFeature? _connect;
    private readonly TimeProvider _time;

    private UpgradeCapture(IFeatureCollection features, TimeProvider time)
    {
        _upgrade = features.Get<IHttpUpgradeFeature>();
        _connect = features.Get<IHttpExtendedConnectFeature>();
        _time = time;
        if (_upgrade is not null)
        {
            features.Set<IHttpUpgradeFeature>(this);
        }

        if (_connect is not null)
        {
            features.Set<IHttpExtendedConnectFeature>(this);
        }
    }

    public UpgradeStream? Stream { get; private set; }

    public bool IsUpgradableRequest => _upgrade is { IsUpgradableRequest: true };

    public bool IsExtendedConnect => _connect is { IsExtendedConnect: true };

    public string? Protocol => _connect?.Protocol;

    public static void Install(IFeatureCollection features, TimeProvider time)
    {
        var capture = new UpgradeCapture(features, time);
        features.Set(capture);
        if (capture.IsUpgradableRequest || capture.IsExtendedConnect)
        {
            // An application with a UseWebSockets of its own has one that knows nothing of this stream.
            features.Set<IHttpWebSocketFeature>(null);
        }
    }

    // HTTP/1.1: RFC 6455, section 4.2.
    public async Task<Stream> UpgradeAsync() => Stream = new UpgradeStream(await _upgrade!.UpgradeAsync().ConfigureAwait(false), _time);

    // HTTP/2: RFC 8441.
    public async ValueTask<Stream> AcceptAsync() => Stream = new UpgradeStream(await _connect!.AcceptAsync().ConfigureAwait(false), _time);
}
