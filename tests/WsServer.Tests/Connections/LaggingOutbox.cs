using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Tests.Support;
using WsServer.Tests.Wire;
using WsServer.Wire;

namespace WsServer.Tests.Connections;

/// <summary>An outbox whose client reads one batch whenever the test says so, with what it has counted.</summary>
internal sealed class LaggingOutbox : IDisposable
{
    private const string EventStart = """{"event":"e","data":""";

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, long> _counted = [];
    private readonly IPacketCodec _codec;

    public LaggingOutbox(long maxBytes, long? maxDroppable = null, IPacketCodec? codec = null)
    {
        _codec = codec ?? Codec.Json;
        IMeterFactory meters = _services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            // Other tests have servers that count at the same time.
            if (instrument.Meter.Scope == meters)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            string name = tags.Length == 0 ? instrument.Name : $"{instrument.Name} {tags[0].Value}";
            lock (_counted)
            {
                _counted[name] = _counted.GetValueOrDefault(name) + value;
            }
        });
        _listener.Start();
        var settings = new OutboxSettings(maxBytes, 100, TimeProvider.System, new EventMetrics(meters), NullLogger.Instance, MaxDroppableBytes: maxDroppable);
        Outbox = new Outbox(Transport, _codec, "/", settings, CancellationToken.None);
    }

    public SteppedTransport Transport { get; } = new();

    public Outbox Outbox { get; }

    /// <summary>What <see cref="Event"/> costs with a number of two digits.</summary>
    public static int Cost { get; } = Codec.Json.Encode(Event(10), "/").Length;

    public static Packet Event(int number, string name = "e", string ns = "/") =>
        new(PacketKind.Event) { Namespace = ns, Event = name, Arguments = Codec.Serializer.Write(number) };

    /// <summary>Posts an event as a fan-out does.</summary>
    public bool Post(int number, SlowConsumerPolicy? policy = null, string name = "e", string ns = "/") => Post(Event(number, name, ns), policy);

    public bool Post(Packet packet, SlowConsumerPolicy? policy = null)
    {
        using OutgoingPacket outgoing = OutgoingPacket.Rent(packet, policy?.TermsFor(packet.Namespace!, packet.Event, packet.Arguments));
        return Outbox.Post(outgoing);
    }

    public long Counted(string instrument)
    {
        lock (_counted)
        {
            return _counted.GetValueOrDefault(instrument);
        }
    }

    /// <summary>Reads one batch.</summary>
    public Task<string[]> ReadAsync() => Transport.ReadAsync();

    /// <summary>Reads until nothing waits: numbers of events, and what is told between them as it came.</summary>
    public async Task<List<string>> ReadAllAsync()
    {
        var all = new List<string>();

        // A last one, so that it is known when all are read.
        Outbox.Post(new Packet(PacketKind.Pong) { Arguments = Codec.Serializer.Write("end") });
        while (true)
        {
            foreach (string text in await ReadAsync())
            {
                if (text == """{"pong":"end"}""")
                {
                    return all;
                }

                all.Add(text.StartsWith(EventStart, StringComparison.Ordinal) ? text[EventStart.Length..^1] : text);
            }
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        _services.Dispose();
    }
}
