using System.Text.Json;
using WsServer.Recovery;

namespace WsServer.Cluster;

/// <summary>The form in which sockets go from node to node.</summary>
internal static class MovedSocketsForm
{
    public static void Write(WireBuffer buffer, MovedSockets moved)
    {
        Write(buffer, moved.Heard);
        buffer.Number(moved.Logs.Count);
        foreach (MovedLog log in moved.Logs)
        {
            Write(buffer, log);
        }

        buffer.Number(moved.Sockets.Count);
        foreach (MovedSocket socket in moved.Sockets)
        {
            buffer.Bytes(JsonSerializer.SerializeToUtf8Bytes(socket.Socket, RecoverySnapshotContext.Default.SocketSnapshot));
            buffer.Number(socket.Stretches.Count);
            foreach (MovedStretch stretch in socket.Stretches)
            {
                Write(buffer, stretch);
            }
        }
    }

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static MovedSockets Read(ref WireReader reader)
    {
        Heard heard = ReadHeard(ref reader);
        var logs = new MovedLog[reader.Count()];
        for (int i = 0; i < logs.Length; i++)
        {
            logs[i] = ReadLog(ref reader);
        }

        var sockets = new MovedSocket[reader.Count()];
        for (int i = 0; i < sockets.Length; i++)
        {
            SocketSnapshot socket = ReadSocket(reader.Bytes());
            var stretches = new MovedStretch[reader.Count()];
            for (int s = 0; s < stretches.Length; s++)
            {
                stretches[s] = ReadStretch(ref reader, logs.Length);
            }

            sockets[i] = new MovedSocket(socket, stretches);
        }

        return new MovedSockets(heard, logs, sockets);
    }

    private static void Write(WireBuffer buffer, Heard heard)
    {
        buffer.Number(heard.Numbers.Count);
        foreach ((string node, long number) in heard.Numbers)
        {
            buffer.Text(node);
            buffer.Int64(number);
        }
    }

    private static Heard ReadHeard(ref WireReader reader)
    {
        int count = reader.Count();
        var numbers = new Dictionary<string, long>(count, StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            numbers[reader.Name()] = reader.Int64();
        }

        return new Heard(numbers);
    }

    private static void Write(WireBuffer buffer, MovedLog log)
    {
        buffer.Int64(log.Floor);
        buffer.Int64(log.Position);
        buffer.Number(log.Events.Count);
        foreach (LoggedEvent e in log.Events)
        {
            buffer.Int64(e.Seq);
            buffer.Int64(e.Age.Ticks);
            buffer.Text(e.Event);
            buffer.Texts(e.Rooms);
            buffer.Texts(e.Except);
            buffer.Optional(e.Sid);
            buffer.Optional(e.Origin.Node);
            buffer.Int64(e.Origin.Number);
            buffer.Arguments(JsonArguments.FromUtf8(e.Arguments, e.Count, Array.ConvertAll(e.Attachments, a => (ReadOnlyMemory<byte>)a)));
        }
    }

    private static MovedLog ReadLog(ref WireReader reader)
    {
        long floor = reader.Int64();
        long position = reader.Int64();
        var events = new LoggedEvent[reader.Count()];
        for (int i = 0; i < events.Length; i++)
        {
            events[i] = ReadEvent(ref reader);
        }

        return new MovedLog(floor, position, events);
    }

    private static LoggedEvent ReadEvent(ref WireReader reader)
    {
        long seq = reader.Int64();
        var age = TimeSpan.FromTicks(Math.Clamp(reader.Int64(), 0, TimeSpan.TicksPerDay));
        string name = reader.Name();
        string[] rooms = reader.Texts();
        string[] except = reader.Texts();
        string? sid = reader.Optional();
        var origin = new Origin(reader.Bool() ? reader.Name() : null, reader.Int64());
        JsonArguments arguments = reader.Arguments();
        byte[][] attachments = Array.ConvertAll(arguments.Attachments.ToArray(), a => a.ToArray());
        return new LoggedEvent(seq, age, name, arguments.Utf8.ToArray(), arguments.Count, attachments, rooms, except, sid) { Origin = origin };
    }

    private static SocketSnapshot ReadSocket(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json.Span, RecoverySnapshotContext.Default.SocketSnapshot) ?? throw new InvalidDataException("A socket is missing.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException("A socket of another node cannot be read.", exception);
        }
    }

    private static void Write(WireBuffer buffer, MovedStretch stretch)
    {
        buffer.Number(stretch.Log);
        buffer.Int64(stretch.From);
        buffer.Int64(stretch.UpTo);
        buffer.Int64(stretch.HeardUpTo);
        buffer.Bool(stretch.Heard is not null);
        if (stretch.Heard is { } heard)
        {
            Write(buffer, heard);
        }
    }

    private static MovedStretch ReadStretch(ref WireReader reader, int logs)
    {
        int log = reader.Number();
        (long from, long upTo, long heardUpTo) = (reader.Int64(), reader.Int64(), reader.Int64());
        Heard? heard = reader.Bool() ? ReadHeard(ref reader) : null;
        return log < logs ? new MovedStretch(log, from, upTo, heard, heardUpTo) : throw new InvalidDataException("There is no such log.");
    }
}
