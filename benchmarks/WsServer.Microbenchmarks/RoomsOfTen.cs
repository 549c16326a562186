using BenchmarkDotNet.Attributes;
using WsServer.Connections;

namespace WsServer.Microbenchmarks;

/// <summary>A thousand clients in rooms of ten. One of each room says something to it, all rooms at once.</summary>
public class RoomsOfTen : ServerBenchmark
{
    public const int Rooms = 100;

    private readonly TransportMessage[] _message = [Messages.Event("toRoom", Messages.Data)];
    private RecordingClient[] _senders = [];

    /// <summary>How many clients get each message.</summary>
    [Params(10)]
    public int Receivers { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        Server.Io.OnRaw("toRoom", (socket, data) => ((Broadcast)socket.Items["room"]!).EmitAsync("toRoom", data));
        _senders = new RecordingClient[Rooms];
        for (int room = 0; room < Rooms; room++)
        {
            (_senders[room], EventSocket sender) = Server.Connect(deliveries => new RecordingClient(deliveries));
            Enter(sender, room);
            foreach (EventSocket socket in Server.Connect(Receivers - 1).Sockets)
            {
                Enter(socket, room);
            }

            _senders[room].Expect(_message[0], $$"""{"event":"toRoom","data":{{Messages.Data}}}""", Receivers);
        }
    }

    /// <summary>A handler passes on what a client sent.</summary>
    [Benchmark(OperationsPerInvoke = Rooms)]
    public void Relay()
    {
        Server.Deliveries.Expect(Rooms * Receivers);
        foreach (RecordingClient sender in _senders)
        {
            sender.Deliver(_message);
        }

        Server.Deliveries.Wait();
    }

    // The room's broadcast is made once and kept, as a program does that cares.
    private void Enter(EventSocket socket, int room)
    {
        _ = socket.JoinAsync($"room{room}");
        socket.Items["room"] = Server.Io.To($"room{room}");
    }
}
