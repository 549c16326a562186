using System.Text;
using WsServer.Connections;

namespace WsServer.Tests.Support;

/// <summary>
/// A transport in memory that receives as the ones over a network do: what was sent together is there together, so
/// that each receive but the first completes at once, and every message lies in the one buffer that the next is read
/// into. Between two messages that buffer holds nothing of either.
/// </summary>
internal sealed class BatchTransport : TransportPair, ITransport
{
    private const byte Scrubbed = (byte)'#';

    private readonly Queue<TransportMessage> _waiting = new();
    private TaskCompletionSource<TransportMessage>? _receiving;
    private byte[] _buffer = new byte[1024];
    private int _receives;

    /// <summary>How often the server has asked for a message.</summary>
    public int Receives
    {
        get
        {
            lock (_waiting)
            {
                return _receives;
            }
        }
    }

    /// <summary>Sends texts that arrive together.</summary>
    public void SendTogether(params IEnumerable<string> texts) =>
        DeliverTogether([.. texts.Select(t => new TransportMessage(TransportMessageKind.Text, Encoding.UTF8.GetBytes(t)))]);

    /// <summary>Sends messages that arrive together.</summary>
    public void DeliverTogether(params TransportMessage[] messages)
    {
        TaskCompletionSource<TransportMessage>? receiving;
        TransportMessage first;
        lock (_waiting)
        {
            foreach (TransportMessage message in messages)
            {
                _waiting.Enqueue(message);
            }

            if (_receiving is null || _waiting.Count == 0)
            {
                return;
            }

            receiving = _receiving;
            _receiving = null;
            first = Take();
        }

        receiving.TrySetResult(first);
    }

    ValueTask<TransportMessage> ITransport.ReceiveAsync(CancellationToken cancellationToken)
    {
        lock (_waiting)
        {
            _receives++;
            _buffer.AsSpan().Fill(Scrubbed);
            if (_waiting.Count > 0)
            {
                return new(Take());
            }

            _receiving = new TaskCompletionSource<TransportMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
            return new(_receiving.Task.WaitAsync(cancellationToken));
        }
    }

    protected override void Deliver(TransportMessage message) => DeliverTogether(message);

    private TransportMessage Take()
    {
        TransportMessage message = _waiting.Dequeue();
        if (_buffer.Length < message.Payload.Length)
        {
            _buffer = new byte[message.Payload.Length * 2];
        }

        message.Payload.CopyTo(_buffer);
        return message with { Payload = _buffer.AsMemory(0, message.Payload.Length) };
    }
}
