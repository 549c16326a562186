using System.Globalization;
using FluentAssertions;
using WsServer.Tests.Wire;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>Random posts of random policies beside a simple model, with fixed seeds.</summary>
public class LaggingModelTests
{
    private const int Steps = 6_000;

    [Theory]
    [InlineData(1, 2_000, 1_000)]
    [InlineData(2, 600, 600)]
    [InlineData(3, 3_000, 100)]
    [InlineData(4, 12_000, 6_000)]
    [InlineData(5, 20_000, 14_000)]
    public async Task What_a_client_that_lags_gets_is_what_the_model_says(int seed, long maxBytes, long maxDroppable)
    {
        var random = new Random(seed);
        using var lagging = new LaggingOutbox(maxBytes, maxDroppable);
        var model = new LaggingModel(maxBytes, maxDroppable);
        var told = new List<long>();
        int taken = 0, seen = 0;
        for (int number = 0; number < Steps; number++)
        {
            // For a while the client reads much, and for a while next to nothing.
            if (random.Next(1_000) < (number / 500 % 2 == 0 ? 5 : 400))
            {
                seen += await ReadAsync(lagging, model, told);
                continue;
            }

            bool wasWriting = model.IsWriting;
            LaggingModel.Item item = Post(lagging, random, number, maxBytes - model.WaitingBytes, out bool isTaken);
            isTaken.Should().Be(model.Post(item), $"step {number} is {item}");
            taken += isTaken ? 1 : 0;
            if (!wasWriting)
            {
                // It was sent on this thread.
                lagging.Transport.TryNext(out _).Should().BeTrue();
                seen++;
            }

            model.IsPutOut.Should().BeFalse("what may not be dropped is posted only when it fits");
            lagging.Outbox.WaitingBytes.Should().Be(model.WaitingBytes).And.BeLessThanOrEqualTo(maxBytes);
            model.DroppableBytes.Should().BeLessThanOrEqualTo(maxDroppable);
        }

        while (model.IsWriting)
        {
            seen += await ReadAsync(lagging, model, told);
        }

        told.Sum().Should().Be(model.Dropped).And.BePositive();
        (lagging.Counted("wsserver.events.dropped drop_newest") + lagging.Counted("wsserver.events.dropped drop_oldest") + lagging.Counted("wsserver.events.dropped conflate"))
            .Should().Be(model.Dropped);
        lagging.Counted("wsserver.events.conflated").Should().Be(model.Conflated).And.BePositive();
        seen.Should().BeLessThanOrEqualTo(taken).And.BePositive();
        lagging.Outbox.WaitingBytes.Should().Be(0);
    }

    private static LaggingModel.Item Post(LaggingOutbox lagging, Random random, int number, long room, out bool isTaken)
    {
        DropKind? kind = random.Next(10) switch { < 2 => DropKind.Newest, < 5 => DropKind.Oldest, < 8 => DropKind.Conflate, < 9 => DropKind.Volatile, _ => null };
        string key = string.Create(CultureInfo.InvariantCulture, $"k{random.Next(12)}");
        var packet = new Packet(PacketKind.Event) { Namespace = "/", Event = "e", Arguments = Codec.Serializer.Write(number, new string('x', random.Next(100))) };
        int bytes = Codec.Json.Encode(packet, "/").Length;
        if (kind is null && bytes > room)
        {
            kind = DropKind.Volatile;
        }

        // The terms as the policies make them.
        DropTerms? terms = kind is { } k ? new DropTerms(k, "/", "e", k == DropKind.Conflate ? key : null) : null;
        using OutgoingPacket outgoing = OutgoingPacket.Rent(packet, terms);
        isTaken = lagging.Outbox.Post(outgoing);
        return new LaggingModel.Item(number, bytes, kind, key);
    }

    /// <summary>The client reads what is being sent, if anything is; the next batch must be what the model says.</summary>
    private static async Task<int> ReadAsync(LaggingOutbox lagging, LaggingModel model, List<long> told)
    {
        if (!model.IsWriting)
        {
            return 0;
        }

        lagging.Transport.EndSend();
        if (model.EndSend() is not { } expected)
        {
            return 0;
        }

        string[] batch = await lagging.Transport.NextAsync();
        batch.Select(Read).Should().Equal(expected);
        told.AddRange(expected.Where(e => e[0] == 'm').Select(e => long.Parse(e["missed ".Length..], CultureInfo.InvariantCulture)));
        return expected.Count(e => e[0] != 'm');
    }

    private static string Read(string text)
    {
        Packet packet = Codec.Decode(text.Replace("$lagged", "lagged", StringComparison.Ordinal));
        string arguments = packet.Arguments.Text();
        return packet.Event == "lagged"
            ? "missed " + arguments[(arguments.IndexOf(':', StringComparison.Ordinal) + 1)..arguments.IndexOf(',', StringComparison.Ordinal)]
            : arguments[1..arguments.IndexOf(',', StringComparison.Ordinal)];
    }
}
