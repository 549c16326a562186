using System.Diagnostics.Metrics;
using System.Text;
using FluentAssertions;
using Microsoft.Extensions.Logging.Abstractions;
using WsServer.Backplane;
using WsServer.Cluster;
using WsServer.Diagnostics;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Cluster;

/// <summary>What is said to other nodes arrives in order, whatever becomes of the connection, or is dropped and counted.</summary>
public sealed class PumpTests : IDisposable
{
    private const string Node = "Abc_-123";

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FailingBackplane _backplane = new();

    [Fact]
    public async Task What_has_failed_goes_again_with_all_that_was_behind_it()
    {
        await using Pump pump = Create();
        pump.IsConnected = true;
        _backplane.FailsFrom = 3;
        Say(pump, Enumerable.Range(1, 10));
        await Within.UntilAsync(() => _backplane.HasFailed, "it has failed");

        pump.IsConnected = false;
        _backplane.FailsFrom = int.MaxValue;
        Say(pump, Enumerable.Range(11, 5));
        pump.IsConnected = true;

        await Within.UntilAsync(() => _backplane.Taken().LastOrDefault() == 15, "all have arrived");
        Repeatless(_backplane.Taken()).Should().Equal(Enumerable.Range(1, 15).Select(n => (long)n));
    }

    [Fact]
    public async Task Nothing_goes_before_there_is_a_connection()
    {
        await using Pump pump = Create();
        Say(pump, Enumerable.Range(1, 3));
        await Task.Yield();
        _backplane.Taken().Should().BeEmpty();

        pump.IsConnected = true;

        await Within.UntilAsync(() => _backplane.Taken().Count == 3, "all have arrived");
    }

    [Fact]
    public async Task What_waits_for_long_goes_in_few_messages()
    {
        await using Pump pump = Create();
        Say(pump, Enumerable.Range(1, 1000));

        pump.IsConnected = true;

        await Within.UntilAsync(() => _backplane.Taken().Count == 1000, "all have arrived");
        _backplane.Messages.Should().BeLessThan(10);
    }

    [Fact]
    public async Task What_does_not_fit_is_not_taken_and_room_comes_back()
    {
        await using Pump pump = Create(maxBytes: 1000);
        int taken = 0;
        while (TrySay(pump, new string('x', 100)))
        {
            taken++;
        }

        taken.Should().BeInRange(7, 9);
        pump.Queue.Bytes.Should().BeLessThanOrEqualTo(1000);

        pump.IsConnected = true;
        await Within.UntilAsync(() => pump.Queue.Bytes == 0, "nothing waits");
        TrySay(pump, "x").Should().BeTrue();
    }

    [Fact]
    public async Task A_message_that_is_refused_again_and_again_does_not_stop_the_others()
    {
        await using Pump pump = Create();
        _backplane.Refuses = "poison";
        pump.IsConnected = true;

        TrySay(pump, "poison");
        await Within.UntilAsync(() => _backplane.HasFailed, "it has failed");
        Say(pump, [2]);

        await Within.UntilAsync(() => _backplane.Taken().Contains(2), "the other has arrived");
    }

    [Fact]
    public async Task It_ends_while_there_is_no_connection()
    {
        Pump pump = Create();
        Say(pump, [1]);

        await pump.DisposeAsync().AsTask().WaitAsync(Within.Reason);
    }

    public void Dispose() => _services.Dispose();

    private static IEnumerable<long> Repeatless(IEnumerable<long> numbers)
    {
        long last = 0;
        foreach (long number in numbers)
        {
            if (number > last)
            {
                yield return last = number;
            }
        }
    }

    private static void Say(Pump pump, IEnumerable<int> numbers)
    {
        foreach (int number in numbers)
        {
            TrySay(pump, number.ToString(System.Globalization.CultureInfo.InvariantCulture)).Should().BeTrue();
        }
    }

    private static bool TrySay(Pump pump, string text)
    {
        var content = new WireBuffer();
        content.Text(text);
        return pump.Queue.TryAdd(["all"], MessageKind.Emit, content, out _);
    }

    private Pump Create(long maxBytes = 1_000_000) => new(
        Node, _backplane, maxBytes, new EventMetrics(_services.GetRequiredService<IMeterFactory>()), NullLogger.Instance, TimeProvider.System);

    /// <summary>Takes messages, but from one on fails, as with a connection that is lost.</summary>
    private sealed class FailingBackplane : IBackplane
    {
        private readonly List<long> _taken = [];

        public volatile int FailsFrom = int.MaxValue;

        public volatile bool HasFailed;

        public string? Refuses { get; set; }

        public int Messages { get; private set; }

        public void Start(string node, IBackplaneReceiver receiver)
        {
        }

        public async ValueTask PublishAsync(ReadOnlyMemory<byte> message, IReadOnlyList<string> channels)
        {
            List<(long Number, string Text)> records = Read(message);
            bool fails = records.Exists(r => r.Number >= FailsFrom || r.Text == Refuses);
            lock (_taken)
            {
                Messages++;
                if (!fails)
                {
                    _taken.AddRange(records.Select(r => r.Number));
                }
            }

            await Task.Yield();
            if (fails)
            {
                HasFailed = true;
                throw new IOException("The connection is lost.");
            }
        }

        public ValueTask SubscribeAsync(string channel, bool isWanted) => default;

        public ValueTask DisposeAsync() => default;

        public List<long> Taken()
        {
            lock (_taken)
            {
                return [.. _taken];
            }
        }

        private static List<(long Number, string Text)> Read(ReadOnlyMemory<byte> message)
        {
            Envelopes.ReadHeader(message, out WireReader records).Should().Be(Node);
            var all = new List<(long, string)>();
            while (!records.IsAtEnd)
            {
                (long number, _, ReadOnlyMemory<byte> content) = Envelopes.ReadRecord(ref records);
                all.Add((number, Encoding.UTF8.GetString(content.Span[1..])));
            }

            return all;
        }
    }
}
