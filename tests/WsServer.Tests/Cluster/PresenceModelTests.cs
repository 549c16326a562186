using FluentAssertions;
using WsServer.Backplane;
using WsServer.Cluster;
using WsServer.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace WsServer.Tests.Cluster;

/// <summary>Whatever happens to sockets and nodes, and whatever is lost between them: in the end every node knows what is so.</summary>
public sealed class PresenceModelTests(ITestOutputHelper output)
{
    private const int Steps = 600;

    private static readonly string[] Rooms = ["a", "b", "c", "d"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task In_the_end_every_node_knows_what_is_so(int seed)
    {
        await using var world = new World(seed);
        await world.BeginAsync();
        for (int i = 0; i < Steps; i++)
        {
            await world.StepAsync();
        }

        world.Settle();
        foreach (Participant participant in world.Participants)
        {
            List<string> known = [];
            await TransportPair.UntilAsync(
                () => participant.Book.There.SequenceEqual(world.Truth()) && participant.Server.Io.Nodes.Count == world.Participants.Count,
                "its handlers are told of all that is so, and who is in no room of a node that died is gone, too");
            (await participant.Server.Io.PresenceAsync()).Select(e => e.Sid).Should().BeEquivalentTo(world.Sids());
            foreach (string room in Rooms)
            {
                known.AddRange((await participant.Server.Io.In(room).PresenceAsync()).Select(e => $"{room} {e.Sid} {e.Metadata?.GetRawText()}"));
            }

            known.Order(StringComparer.Ordinal).Should().Equal(world.Truth());
            participant.Book.Wrong.Should().BeEmpty("what is told fits what was told before");
        }

        output.WriteLine($"{world.Log}; {world.Truth().Count} places in the end, {world.Participants.Sum(p => p.Book.Told.Count)} changes told");
        world.Truth().Should().NotBeEmpty();
    }

    private sealed class Participant(LossyBackplane backplane)
    {
        public LossyBackplane Backplane => backplane;

        public PresenceBook Book { get; } = new();

        public InMemoryServer Server { get; set; } = null!;

        public List<(TransportPair Client, EventSocket Socket)> Clients { get; } = [];
    }

    private sealed class World(int seed) : IAsyncDisposable
    {
        private readonly Random _random = new(seed);
        private readonly LocalExchange _exchange = new();
        private readonly SortedDictionary<string, int> _did = new(StringComparer.Ordinal);
        private TestNodes _nodes = null!;

        public List<Participant> Participants { get; } = [];

        public string Log => string.Join(", ", _did.Select(d => $"{d.Value} {d.Key}"));

        public async Task BeginAsync()
        {
            _nodes = await TestNodes.StartAsync(0);
            while (Participants.Count < 3)
            {
                await AddAsync();
            }
        }

        public async Task StepAsync()
        {
            Participant participant = Pick(Participants);
            switch (_random.Next(100))
            {
                case < 20:
                    await ConnectAsync(participant);
                    break;
                case < 28 when participant.Clients.Count > 0:
                    Note("disconnects");
                    (TransportPair Client, EventSocket Socket) gone = Pick(participant.Clients);
                    participant.Clients.Remove(gone);
                    await InMemoryServer.EndAsync(gone.Client);
                    break;
                case < 55 when participant.Clients.Count > 0:
                    Note("joins");
                    await Pick(participant.Clients).Socket.JoinAsync(Pick(Rooms), Pick(Rooms));
                    break;
                case < 70 when participant.Clients.Count > 0:
                    Note("leaves");
                    await Pick(participant.Clients).Socket.LeaveAsync(Pick(Rooms));
                    break;
                case < 85 when participant.Clients.Count > 0:
                    Note("updates");
                    await Pick(participant.Clients).Socket.SetPresenceAsync(_random.Next(4) is > 0 and int metadata ? metadata : (int?)null);
                    break;
                case < 96:
                    Note("losses begin or end");
                    participant.Backplane.Loses = !participant.Backplane.Loses;
                    break;
                default:
                    await EndAsync(participant);
                    await AddAsync();
                    break;
            }
        }

        public void Settle() => Participants.ForEach(p => p.Backplane.Loses = false);

        public List<string> Sids() => [.. Participants.SelectMany(p => p.Clients).Select(c => c.Socket.Id)];

        public List<string> Truth() =>
        [
            .. Participants.SelectMany(p => p.Clients)
                .SelectMany(c => c.Socket.Rooms.Skip(1).Select(room => $"{room} {c.Socket.Id} {Metadata(c.Socket)}"))
                .Order(StringComparer.Ordinal),
        ];

        public ValueTask DisposeAsync() => _nodes.DisposeAsync();

        private static string Metadata(EventSocket socket) => System.Text.Encoding.UTF8.GetString(socket.PresenceMetadata ?? []);

        private async Task AddAsync()
        {
            Note("nodes");
            var participant = new Participant(new LossyBackplane(_exchange, MessageKind.Presence));
            participant.Server = await _nodes.AddAsync(
                io => io.OnPresence(participant.Book.Note),
                options =>
                {
                    options.Cluster.HeartbeatInterval = TimeSpan.FromMilliseconds(20);
                    options.Cluster.NodeTimeout = TimeSpan.FromMilliseconds(1500);
                    options.Cluster.RequestTimeout = TimeSpan.FromSeconds(1);
                    options.Presence.MaxQueuedChanges = 20;
                },
                participant.Backplane);
            Participants.Add(participant);
        }

        private async Task ConnectAsync(Participant participant)
        {
            Note("connects");
            (TransportPair client, string sid) = await participant.Server.ConnectAsync();
            participant.Clients.Add((client, participant.Server.Io.Root.FindSocket(sid)!));
        }

        private async Task EndAsync(Participant participant)
        {
            int index = Participants.IndexOf(participant);
            Participants.RemoveAt(index);
            if (_random.Next(2) == 0)
            {
                Note("stops");
                await _nodes.StopAsync(index);
            }
            else
            {
                Note("kills");
                await _nodes.KillAsync(index);
            }
        }

        private T Pick<T>(IReadOnlyList<T> all) => all[_random.Next(all.Count)];

        private void Note(string what) => _did[what] = _did.GetValueOrDefault(what) + 1;
    }
}
