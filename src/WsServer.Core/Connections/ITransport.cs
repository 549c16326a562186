using WsServer.Wire;

namespace WsServer.Connections;

/// <summary>
/// A way for messages to come in and go out: WebSocket frames, lines over TCP, anything that keeps messages whole and
/// in order. Implement it and give it to <see cref="EventServer.RunAsync"/>; its clients then share namespaces and
/// rooms with all others.
/// </summary>
/// <remarks>
/// One receive and one send may be under way at a time, each from another thread. <c>DisposeAsync</c> ends both and
/// releases everything; it is called once, last.
/// </remarks>
public interface ITransport : IAsyncDisposable
{
    /// <summary>Waits for the next message.</summary>
    /// <returns>The message, whose memory stays valid until the next call; or why there is none.</returns>
    /// <exception cref="InvalidDataException">The other side broke the transport's rules.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="TimeoutException">The transport itself looks for signs of life, and there was none in time.</exception>
    ValueTask<TransportMessage> ReceiveAsync(CancellationToken cancellationToken);

    /// <summary>Sends messages in order, and completes when they no longer need the server's memory.</summary>
    ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken);

    /// <summary>Says goodbye after the last message, if the transport has a way to. Receiving goes on until the other side has answered.</summary>
    ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken);
}

/// <summary>A transport that finds out whether the other side is alive, by pings that it answers.</summary>
public interface IHeartbeatTransport : ITransport
{
    /// <summary>When something last arrived, as a timestamp of the server's <see cref="TimeProvider"/>.</summary>
    long LastReceived { get; }

    /// <summary>Sends a ping. It may come between the messages of a send, never into one.</summary>
    ValueTask PingAsync(CancellationToken cancellationToken);
}

/// <summary>A transport whose receiving can be broken off by a call, besides by its token.</summary>
internal interface IAbortable
{
    /// <summary>Ends the receive that is under way and any later one with an <see cref="OperationCanceledException"/>.</summary>
    void Abort();
}

/// <summary>A transport that knows when the message began that it is in the midst of.</summary>
internal interface IUnfinishedMessage
{
    /// <summary>When the message that is on its way in began, as a timestamp of the server's <see cref="TimeProvider"/>; 0 while there is none.</summary>
    long Begun { get; }

    /// <summary>Counts it from now on, if it is still the one that began then.</summary>
    void BeginAnew(long begun, long now);
}

/// <summary>What <see cref="ITransport.ReceiveAsync"/> found.</summary>
public enum TransportMessageKind
{
    /// <summary>The other side has closed; nothing more will come.</summary>
    Closed,

    /// <summary>A text message.</summary>
    Text,

    /// <summary>A binary message.</summary>
    Binary,

    /// <summary>
    /// Nothing for the server, as the transport has dealt with it itself, such as a ping, or a part of a message whose rest
    /// is still to come. It counts for the rates (see <see cref="EventServerLimits"/>); a transport whose clients can send
    /// such things without end should tell of them.
    /// </summary>
    Control,

    /// <summary>A message over <see cref="EventServerOptions.MaxMessageBytes"/>, which was not kept.</summary>
    TooLarge,
}

/// <summary>One received message.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Payload">Its bytes, valid until the next receive.</param>
public readonly record struct TransportMessage(TransportMessageKind Kind, ReadOnlyMemory<byte> Payload = default)
{
    /// <summary>How many bytes it had on the line, where these are not those of the payload: before it was inflated.</summary>
    public int WireLength { get; init; }

    /// <summary>How many of its bytes were told of before, as <see cref="TransportMessageKind.Control"/>, so that they do not count for the rates again.</summary>
    public int ToldBytes { get; init; }
}

/// <summary>How the server says goodbye.</summary>
/// <param name="Status">A WebSocket close code (RFC 6455, section 7.4).</param>
/// <param name="Description">A few words of ASCII, at most 123 bytes.</param>
public sealed record TransportClose(int Status, string Description);
