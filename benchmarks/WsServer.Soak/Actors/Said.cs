using System.Diagnostics;
using System.Globalization;

namespace WsServer.Soak.Actors;

/// <summary>What members of a room say: who, the how-manyth, and when, so that each receiver can check it without asking.</summary>
/// <param name="Sender">Who: a number for each connection that ever was.</param>
/// <param name="Number">The how-manyth of this sender, from 0.</param>
/// <param name="Began">When its sender had not said anything yet, by <see cref="Stopwatch"/>.</param>
/// <param name="Time">When, by <see cref="Stopwatch"/>.</param>
internal readonly record struct Said(int Sender, int Number, long Began, long Time)
{
    public static Said Now(int sender, int number, long began) => new(sender, number, began, Stopwatch.GetTimestamp());

    public static Said Parse(string text)
    {
        string[] parts = text.Split(' ');
        return new Said(
            int.Parse(parts[0], CultureInfo.InvariantCulture),
            int.Parse(parts[1], CultureInfo.InvariantCulture),
            long.Parse(parts[2], CultureInfo.InvariantCulture),
            long.Parse(parts[3], CultureInfo.InvariantCulture));
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Sender} {Number} {Began} {Time}");
}
