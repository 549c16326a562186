using WsServer.Connections;
using WsServer.Wire;

namespace WsServer.SocketIO.Engine;

/// <summary>
/// A WebSocket that is a session's transport, or is to become it. Safe for any number of senders, where the transport
/// under it takes one at a time.
/// </summary>
/// <param name="transport">The accepted WebSocket, which is disposed with this.</param>
internal sealed class EngineSocket(ITransport transport) : IAsyncDisposable
{
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly CancellationTokenSource _abort = new();
    private Task? _aborting;

    /// <summary>Whether it was broken off.</summary>
    public bool IsAborted => _abort.IsCancellationRequested;

    /// <inheritdoc cref="ITransport.ReceiveAsync" />
    public ValueTask<TransportMessage> ReceiveAsync() => transport.ReceiveAsync(_abort.Token);

    /// <summary>Whether the next message is this text.</summary>
    public async ValueTask<bool> ReceivesAsync(ReadOnlyMemory<byte> text)
    {
        TransportMessage message;
        do
        {
            message = await ReceiveAsync().ConfigureAwait(false);
        }
        while (message.Kind == TransportMessageKind.Control);
        return message.Kind == TransportMessageKind.Text && message.Payload.Span.SequenceEqual(text.Span);
    }

    /// <summary>Sends packets after those of others that came before.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets)
    {
        if (!TryEnter())
        {
            return SendInTurnAsync(packets);
        }

        ValueTask sending;
        try
        {
            sending = transport.SendAsync(packets, _abort.Token);
        }
        catch
        {
            Leave();
            throw;
        }

        if (!sending.IsCompletedSuccessfully)
        {
            return LeaveAfterAsync(sending);
        }

        Leave();
        return ValueTask.CompletedTask;
    }

    /// <summary>Sends the packets of who has entered.</summary>
    public ValueTask SendEnteredAsync(ReadOnlyMemory<EncodedPacket> packets) => transport.SendAsync(packets, _abort.Token);

    /// <summary>Keeps other senders waiting until <see cref="Leave"/>, if there is none just now.</summary>
    public bool TryEnter() => _sending.Wait(0);

    /// <summary>Lets the next sender go on.</summary>
    public void Leave() => _sending.Release();

    /// <inheritdoc cref="ITransport.CloseAsync" />
    public async ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await transport.CloseAsync(close, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>
    /// Ends what is under way, by <see cref="OperationCanceledException"/>, on another thread: the caller may hold a lock.
    /// Disposing then breaks the connection.
    /// </summary>
    public void Abort()
    {
        lock (_abort)
        {
            _aborting ??= _abort.CancelAsync();
        }
    }

    // The semaphore and the source hold nothing that would have to be disposed, and late senders may still come.
    public async ValueTask DisposeAsync()
    {
        if (IsAborted)
        {
            // The transport is to know that it is broken off before it is let go.
            Abort();
            await _aborting!.ConfigureAwait(false);
        }

        await transport.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask SendInTurnAsync(ReadOnlyMemory<EncodedPacket> packets)
    {
        await _sending.WaitAsync(_abort.Token).ConfigureAwait(false);
        try
        {
            await transport.SendAsync(packets, _abort.Token).ConfigureAwait(false);
        }
        finally
        {
            Leave();
        }
    }

    private async ValueTask LeaveAfterAsync(ValueTask sending)
    {
        try
        {
            await sending.ConfigureAwait(false);
        }
        finally
        {
            Leave();
        }
    }
}
