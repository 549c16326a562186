using System.Diagnostics.Metrics;
using System.Text;
using System.Threading.Tasks.Sources;
using FluentAssertions;
using Microsoft.Extensions.Logging.Abstractions;
using WsServer.Connections;
using WsServer.Diagnostics;
using WsServer.Tests.Support;
using WsServer.Tests.Wire;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>A send may complete at any moment, also between two looks at it.</summary>
public sealed class SendCompletionTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_send_that_completes_while_it_is_looked_at_sends_nothing_twice(int looks)
    {
        await using var transport = new FlippingTransport(looks);
        var outbox = new Outbox(
            transport,
            Codec.Json,
            "/",
            new OutboxSettings(1_000_000, 100, TimeProvider.System, new EventMetrics(_services.GetRequiredService<IMeterFactory>()), NullLogger.Instance),
            CancellationToken.None);
        for (int i = 0; i < 20; i++)
        {
            outbox.Post(new Packet(PacketKind.Event) { Event = "e", Arguments = Codec.Serializer.Write(i) }).Should().BeTrue();
        }

        outbox.Complete(Closing.Left);
        await outbox.Finished.WaitAsync(Within.Reason);
        transport.Sent.Should().Equal(Enumerable.Range(0, 20).Select(i => $$"""{"event":"e","data":{{i}}}"""));
        outbox.WaitingBytes.Should().Be(0);
    }

    public void Dispose() => _services.Dispose();

    /// <summary>Each send is under way for so many looks at it, and then complete.</summary>
    private sealed class FlippingTransport(int looks) : ITransport, IValueTaskSource
    {
        private readonly List<string> _sent = [];
        private int _looks;

        public IReadOnlyList<string> Sent => _sent;

        public ValueTask SendAsync(ReadOnlyMemory<EncodedPacket> packets, CancellationToken cancellationToken)
        {
            _looks = 0;
            foreach (EncodedPacket packet in packets.Span)
            {
                _sent.Add(Encoding.UTF8.GetString(packet.Payload.Span));
            }

            return new(this, 0);
        }

        public ValueTaskSourceStatus GetStatus(short token) => _looks++ < looks ? ValueTaskSourceStatus.Pending : ValueTaskSourceStatus.Succeeded;

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            ThreadPool.UnsafeQueueUserWorkItem(continuation, state, preferLocal: false);

        public void GetResult(short token)
        {
        }

        public ValueTask<TransportMessage> ReceiveAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask CloseAsync(TransportClose close, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
