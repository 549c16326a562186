using System.Collections.Concurrent;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Connections;

/// <summary>
/// Two hundred clients, many who send to all of them, to rooms and to single ones, while others stall, move, come and
/// go: no message is harmed by the packets being used again, and nobody who stays misses one.
/// </summary>
public class DeliveryStressTests
{
    private const int Rooms = 4;
    private const int Emitters = 4;
    private const int Emits = 250;
    private const int Talkers = 20;
    private const int Talks = 50;

    [Fact]
    public async Task Every_message_arrives_whole_in_order_and_once_while_clients_stall_move_come_and_go()
    {
        await using Crowd crowd = await Crowd.StartAsync();
        StressSender[] emitters = [.. Enumerable.Range(0, Emitters).Select(i => new StressSender(i))];
        var asked = new ConcurrentQueue<(StressMessage Question, Task<JsonArguments> Answer)>();
        Task[] emitting = Array.ConvertAll(emitters, e => EmitAsync(crowd, e, asked));
        StressSender[] talkers = [.. Enumerable.Range(0, Talkers).Select(i => new StressSender(100 + i))];
        for (int i = 0; i < Talkers; i++)
        {
            Talk(crowd.Stayers[i], talkers[i]);
        }

        await Task.WhenAll(emitting).WaitAsync(Within.Reason);
        await TransportPair.UntilAsync(() => crowd.Stayers.Take(Talkers).All(c => c.Acks == Talks), "all talk is answered");
        foreach ((StressMessage question, Task<JsonArguments> answer) in asked)
        {
            (await answer.WaitAsync(Within.Reason)).ToString().Should().Be(question.Json);
        }

        crowd.Stalled.ForEach(c => c.GoOn());
        StressSender[] senders = [.. emitters, .. talkers];
        for (int i = 0; i < crowd.Stayers.Count; i++)
        {
            StressClient client = crowd.Stayers[i];
            Dictionary<(int, string), int> expected = senders
                .SelectMany(s => s.Sent.Where(sent => Crowd.IsFor(sent.Key, i)).Select(sent => (Key: (s.Id, sent.Key), sent.Value)))
                .ToDictionary(e => e.Key, e => e.Value);
            await TransportPair.UntilAsync(() => client.Count >= expected.Values.Sum(), "it has received all");
            client.Received.Except(expected).Should().BeEmpty();
            expected.Except(client.Received).Should().BeEmpty();
        }

        await crowd.EndAsync();
        crowd.Faults.Should().BeEmpty();
        crowd.Server.Errors.Should().BeEmpty();
        (await Task.WhenAll(crowd.Hopeless.Select(c => c.Running))).Should().AllBeEquivalentTo(DisconnectReason.SlowConsumer);
        crowd.Broken.Should().BeGreaterThan(10, "some clients' sends have failed");
        StressClient witness = crowd.Stayers[0];
        (witness.Count - witness.DistinctPackets).Should().BeGreaterThan(100, "without packets that are used again this shows nothing");
    }

    private static async Task EmitAsync(Crowd crowd, StressSender sender, ConcurrentQueue<(StressMessage Question, Task<JsonArguments> Answer)> asked)
    {
        EventServer io = crowd.Server.Io;
        Random random = sender.Random;
        for (int i = 0; i < Emits; i++)
        {
            // On another thread of the pool now and then: each has packets of its own that it uses again.
            await Task.Yield();
            int one = random.Next(crowd.Stayers.Count);
            switch (random.Next(10))
            {
                case 0:
                    await io.EmitAsync("e", sender.Next("all").Arguments);
                    break;
                case < 4:
                    await io.To("most").EmitAsync("e", sender.Next("most").Arguments);
                    break;
                case < 7:
                    string room = $"r{random.Next(Rooms)}";
                    await io.To(room).EmitAsync("e", sender.Next(room).Arguments);
                    break;
                case 7:
                    await io.To(crowd.Sids[one]).EmitAsync("e", sender.Next($"one{one}").Arguments);
                    break;
                case 8:
                    StressMessage question = sender.Next($"one{one}");
                    asked.Enqueue((question, io.Root.FindSocket(crowd.Sids[one])!.EmitWithAckAsync("e", question.Arguments)));
                    break;
                default:
                    await io.To("stalled").EmitAsync("e", sender.Next("stalled", 16 * 1024).Arguments);
                    break;
            }

            crowd.Disturb(random);
        }
    }

    private static void Talk(StressClient client, StressSender sender)
    {
        var batch = new List<string>();
        for (int i = 0; i < Talks; i++)
        {
            StressMessage message = sender.Next(sender.Random.Next(3) == 0 ? "most" : $"r{sender.Random.Next(Rooms)}");
            string name = sender.Random.Next(4) == 0 ? "talk-later" : "talk";
            batch.Add($$"""{"event":"{{name}}","data":{{message.Json}},"id":{{message.Number}}}""");
            if (sender.Random.Next(6) == 0 || i == Talks - 1)
            {
                client.Send([.. batch]);
                batch.Clear();
            }
        }
    }
}
