using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using WsServer.Connections;
using WsServer.Tests.Support;
using WsServer.Wire;

namespace WsServer.Tests.Connections;

/// <summary>How a client takes what it is sent.</summary>
internal enum Manners
{
    /// <summary>At once.</summary>
    Steady,

    /// <summary>Each send goes on elsewhere before it is read.</summary>
    Dawdling,

    /// <summary>The third send fails, half of it read.</summary>
    Failing,

    /// <summary>The third send hangs until it is aborted.</summary>
    Hanging,
}

/// <summary>
/// A client that looks at every packet it is sent while it is sent: whole, in order, and the same from the beginning
/// of the send to its end.
/// </summary>
internal sealed class StressClient(Manners manners, ConcurrentQueue<string> faults) : ITransport
{
    private readonly BatchTransport _inbox = new();
    private readonly TaskCompletionSource<string> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<int, int> _lastOfSender = [];
    private readonly Dictionary<(int Sender, string Stream), int> _received = [];
    private readonly HashSet<EncodedPacket> _packets = new(ReferenceEqualityComparer.Instance);
    private readonly List<(EncodedPacket Packet, byte[] Frame)> _abandoned = [];
    private volatile TaskCompletionSource? _stall;
    private int _isSending;
    private int _sends;
    private int _count;
    private int _acks;

    /// <summary>Whether it was there for all of its streams from their beginning, so that none may be missing.</summary>
    public bool IsComplete { get; init; }

    public Task<string> Connected => _connected.Task.WaitAsync(Within.Reason);

    /// <summary>Its id, if it has read it.</summary>
    public string? ConnectedNow => _connected.Task.IsCompletedSuccessfully ? _connected.Task.Result : null;

    public Task<DisconnectReason> Running { get; set; } = Task.FromResult(DisconnectReason.TransportClose);

    /// <summary>How many messages it has received.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>How many of its own events were answered.</summary>
    public int Acks => Volatile.Read(ref _acks);

    /// <summary>How many different objects brought the messages.</summary>
    public int DistinctPackets => _packets.Count;

    /// <summary>How many messages it has received of each stream. Only when it receives no more.</summary>
    public IReadOnlyDictionary<(int Sender, string Stream), int> Received => _received;

    /// <summary>Whether a send to it has failed.</summary>
    public bool HasFailed
    {
        get
        {
            lock (_abandoned)
            {
                return _abandoned.Count > 0;
            }
        }
    }

    public void Send(IEnumerable<string> messages) => _inbox.SendTogether(messages);

    public void Leave() => _inbox.Close();

    public void Stall() => _stall ??= new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void GoOn()
    {
        TaskCompletionSource? stall = _stall;
        _stall = null;
        stall?.TrySetResult();
    }

    /// <summary>What was being sent when a send failed may still be read, so nobody may have used it again.</summary>
    public void CheckAbandoned()
    {
        lock (_abandoned)
        {
            foreach ((EncodedPacket packet, byte[] frame) in _abandoned)
            {
                Expect(packet.Frame.Span.SequenceEqual(frame), "A packet of a failed send was used again.");
            }
        }
    }

    ValueTask<TransportMessage> ITransport.ReceiveAsync(CancellationToken cancellationToken) => ((ITransport)_inbox).ReceiveAsync(cancellationToken);

    public ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
    {
        Expect(Interlocked.Exchange(ref _isSending, 1) == 0, "Two sends at once.");
        Task? stall = _stall?.Task;
        bool isThird = ++_sends == 3;
        if (stall is not null || manners == Manners.Dawdling || (isThird && manners != Manners.Steady))
        {
            return SendLaterAsync(packets, stall, isThird, cancellationToken);
        }

        Read(packets.Span);
        Volatile.Write(ref _isSending, 0);
        return ValueTask.CompletedTask;
    }

    public ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken) => _inbox.CloseAsync(close, cancellationToken);

    public ValueTask DisposeAsync() => _inbox.DisposeAsync();

    private async ValueTask SendLaterAsync(ReadOnlyMemory<EncodedPacket> packets, Task? stall, bool isThird, CancellationToken cancellationToken)
    {
        byte[][] frames = Array.ConvertAll(packets.ToArray(), p => p.Frame.ToArray());
        try
        {
            await Task.Yield();
            if (stall is not null)
            {
                await stall.WaitAsync(cancellationToken);
            }

            if (isThird && manners == Manners.Hanging)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            if (isThird && manners == Manners.Failing)
            {
                throw new IOException("The connection is gone.");
            }
        }
        catch (Exception)
        {
            lock (_abandoned)
            {
                for (int i = 0; i < frames.Length; i++)
                {
                    _abandoned.Add((packets.Span[i], frames[i]));
                }
            }

            throw;
        }

        for (int i = 0; i < frames.Length; i++)
        {
            Expect(packets.Span[i].Frame.Span.SequenceEqual(frames[i]), "A packet was used again while it was sent.");
        }

        Read(packets.Span);
        Volatile.Write(ref _isSending, 0);
    }

    private void Read(ReadOnlySpan<EncodedPacket> packets)
    {
        foreach (EncodedPacket packet in packets)
        {
            _packets.Add(packet);
            try
            {
                using JsonDocument json = JsonDocument.Parse(packet.Payload);
                Read(json.RootElement);
            }
            catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidDataException or InvalidOperationException)
            {
                faults.Enqueue($"{exception.Message}: {System.Text.Encoding.UTF8.GetString(packet.Payload.Span)}");
            }
        }
    }

    private void Read(JsonElement envelope)
    {
        if (envelope.TryGetProperty("connected", out _))
        {
            _connected.TrySetResult(envelope.GetProperty("sid").GetString()!);
        }
        else if (envelope.TryGetProperty("event", out _))
        {
            StressMessage message = StressMessage.Read(envelope.GetProperty("data"));
            Take(message);
            if (envelope.TryGetProperty("id", out JsonElement id))
            {
                _inbox.SendTogether(string.Create(CultureInfo.InvariantCulture, $$"""{"ack":{{id.GetInt64()}},"data":{{message.Json}}}"""));
            }
        }
        else if (envelope.TryGetProperty("ack", out JsonElement answered))
        {
            // The server answers with what was asked, whose number is the id.
            Expect(StressMessage.Read(envelope.GetProperty("data")).Number == answered.GetInt32(), "An ack has another event's data.");
            Interlocked.Increment(ref _acks);
        }
    }

    private void Take(StressMessage message)
    {
        int last = _lastOfSender.GetValueOrDefault(message.Sender, -1);
        Expect(message.Number > last, $"Message {message.Number} of {message.Sender} came after {last}.");
        _lastOfSender[message.Sender] = message.Number;
        int next = _received.GetValueOrDefault((message.Sender, message.Stream));
        if (IsComplete)
        {
            Expect(message.Index == next, $"Message {message.Index} of {message.Sender} to {message.Stream} came in the place of {next}.");
        }

        _received[(message.Sender, message.Stream)] = next + 1;
        Interlocked.Increment(ref _count);
    }

    private void Expect(bool holds, string otherwise)
    {
        if (!holds)
        {
            faults.Enqueue(otherwise);
        }
    }
}
