using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using WsServer.Connections;

namespace WsServer.Hosting;

/// <summary>
/// Stands in front of the server's upgrade features while <c>UseWebSockets</c> does the handshake, and remembers the
/// bytes under the WebSocket that comes of it. The server reads and writes them itself: frames are made once and shared
/// by many receivers, and the framework's WebSocket would break the connection at the first bad frame, before the
/// client has read why.
/// </summary>
internal sealed class UpgradeCapture : IHttpUpgradeFeature, IHttpExtendedConnectFeature
{
    private readonly IHttpUpgradeFeature? _upgrade;
    private readonly IHttpExtendedConnectFeature? _connect;
    private readonly IFeatureCollection _features;
    private PipeReader? _input;
    private IByteOutput? _output;

    private UpgradeCapture(IFeatureCollection features)
    {
        _features = features;
        _upgrade = features.Get<IHttpUpgradeFeature>();
        _connect = features.Get<IHttpExtendedConnectFeature>();
        if (_upgrade is not null)
        {
            features.Set<IHttpUpgradeFeature>(this);
        }

        if (_connect is not null)
        {
            features.Set<IHttpExtendedConnectFeature>(this);
        }
    }

    public bool IsUpgradableRequest => _upgrade is { IsUpgradableRequest: true };

    public bool IsExtendedConnect => _connect is { IsExtendedConnect: true };

    public string? Protocol => _connect?.Protocol;

    /// <summary>The one that stands in front of these features, if any.</summary>
    public static UpgradeCapture? Find(IFeatureCollection features) =>
        features.Get<IHttpUpgradeFeature>() as UpgradeCapture ?? features.Get<IHttpExtendedConnectFeature>() as UpgradeCapture;

    public static void Install(IFeatureCollection features)
    {
        var capture = new UpgradeCapture(features);
        if (capture.IsUpgradableRequest || capture.IsExtendedConnect)
        {
            // An application with a UseWebSockets of its own has one that knows nothing of this stream.
            features.Set<IHttpWebSocketFeature>(null);
        }
    }

    /// <summary>The bytes from and to the client; false when the server has not handed any out.</summary>
    public bool TryGet([NotNullWhen(true)] out PipeReader? input, [NotNullWhen(true)] out IByteOutput? output)
    {
        input = _input;
        output = _output;
        return input is not null && output is not null;
    }

    // HTTP/1.1: RFC 6455, section 4.2.
    public async Task<Stream> UpgradeAsync()
    {
        Stream stream = await _upgrade!.UpgradeAsync().ConfigureAwait(false);
        if (_features.Get<IConnectionTransportFeature>()?.Transport is DirectConnection direct)
        {
            // The connection is this request's from now on, and nothing (TLS) stands between it and its socket.
            _input = direct.TakeSource();
            _output = direct.Socket;
        }
        else
        {
            Take(stream);
        }

        return stream;
    }

    // HTTP/2: RFC 8441. The connection is shared with other requests.
    public async ValueTask<Stream> AcceptAsync()
    {
        Stream stream = await _connect!.AcceptAsync().ConfigureAwait(false);
        Take(stream);
        return stream;
    }

    private void Take(Stream stream)
    {
        _input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
        _output = new StreamOutput(stream);
    }
}
