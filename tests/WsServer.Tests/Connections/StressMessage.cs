using System.Globalization;
using System.Text;
using System.Text.Json;

namespace WsServer.Tests.Connections;

/// <summary>A message whose receiver can tell that it is whole, and the next of its sender and of its stream.</summary>
/// <param name="Sender">Who sends it.</param>
/// <param name="Number">How many the sender sent before it.</param>
/// <param name="Stream">To whom it goes.</param>
/// <param name="Index">How many the sender sent there before it.</param>
/// <param name="Filler">To make it of any length.</param>
internal sealed record StressMessage(int Sender, int Number, string Stream, int Index, string Filler)
{
    public string Json => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"s":{{Sender}},"n":{{Number}},"k":"{{Stream}}","m":{{Index}},"p":"{{Filler}}","c":{{Checksum}}}""");

    public JsonArguments Arguments => new(Encoding.UTF8.GetBytes(Json), 1);

    // FNV-1a, 32 bits.
    private uint Checksum
    {
        get
        {
            uint hash = 2166136261;
            foreach (char c in string.Create(CultureInfo.InvariantCulture, $"{Sender} {Number} {Stream} {Index} {Filler}"))
            {
                hash = unchecked((hash ^ c) * 16777619);
            }

            return hash;
        }
    }

    /// <summary>Reads a message; throws when it is not whole.</summary>
    public static StressMessage Read(JsonElement json)
    {
        var message = new StressMessage(
            json.GetProperty("s").GetInt32(), json.GetProperty("n").GetInt32(), json.GetProperty("k").GetString()!,
            json.GetProperty("m").GetInt32(), json.GetProperty("p").GetString()!);
        return json.GetProperty("c").GetUInt32() == message.Checksum
            ? message
            : throw new InvalidDataException($"The checksum of message {message.Number} from {message.Sender} is wrong.");
    }
}

/// <summary>One who sends messages, one after the other.</summary>
internal sealed class StressSender(int id)
{
    private readonly Dictionary<string, int> _sent = [];
    private int _number;

    public int Id => id;

    public Random Random { get; } = new(4711 + id);

    /// <summary>How many were sent to each stream.</summary>
    public IReadOnlyDictionary<string, int> Sent => _sent;

    public StressMessage Next(string stream, int? length = null)
    {
        int index = _sent.GetValueOrDefault(stream);
        _sent[stream] = index + 1;
        return new StressMessage(id, _number++, stream, index, new string((char)('a' + Random.Next(26)), length ?? Length()));
    }

    // Short ones mostly; some that need a longer frame header, and a few beyond what a packet keeps.
    private int Length() => Random.Next(100) switch
    {
        < 85 => Random.Next(150),
        < 98 => Random.Next(150, 1_000),
        _ => Random.Next(4_000, 9_000),
    };
}
