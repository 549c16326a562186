using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using WsServer.Connections;
using WsServer.Tests.Support;
using WsServer.Wire;

namespace WsServer.Tests.Connections;

/// <summary>A <see cref="FramedWebSocketTransport"/> between a pipe and an output that a test holds in its hands.</summary>
internal sealed class FramedClient
{
    public const int MaxMessageBytes = 100_000;

    private readonly Pipe _input = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
    private int _aborts;

    public FramedClient(ManualOutput? output = null, PermessageDeflate? deflate = null, bool tellsControls = false)
    {
        Output = output ?? new ManualOutput();
        Transport = new FramedWebSocketTransport(_input.Reader, Output, MaxMessageBytes, Time, () => Interlocked.Increment(ref _aborts), deflate, tellsControls);
    }

    public FramedWebSocketTransport Transport { get; }

    public ManualOutput Output { get; }

    public ManualTime Time { get; } = new();

    /// <summary>How often the transport broke the connection under itself.</summary>
    public int Aborts => Volatile.Read(ref _aborts);

    public static EncodedPacket Packet(string text) => EncodedPacket.Create(Encoding.UTF8.GetBytes(text), isBinary: false);

    /// <summary>The client's bytes arrive.</summary>
    public void Send(params byte[][] frames)
    {
        foreach (byte[] frame in frames)
        {
            _input.Writer.Write(frame);
        }

        _ = _input.Writer.FlushAsync().AsTask();
    }

    /// <summary>The client's bytes are over.</summary>
    public void End(Exception? fault = null) => _input.Writer.Complete(fault);

    /// <summary>The next message, whose memory is the transport's.</summary>
    public Task<TransportMessage> ReceiveAsync(CancellationToken cancellationToken = default) =>
        Within.TimeAsync(Transport.ReceiveAsync(cancellationToken).AsTask(), "a message");

    public async Task<string> ReceiveTextAsync()
    {
        TransportMessage message = await ReceiveAsync();
        return message.Kind == TransportMessageKind.Text ? Encoding.UTF8.GetString(message.Payload.Span) : throw new InvalidOperationException($"It is {message.Kind}.");
    }

    public Task SendAsync(params EncodedPacket[] packets) => Transport.SendAsync(packets, CancellationToken.None).AsTask();

    public Task CloseAsync(int status = 1000, string description = "") => Transport.CloseAsync(new TransportClose(status, description), CancellationToken.None).AsTask();
}
