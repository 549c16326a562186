using System.Globalization;
using System.Text;

namespace WsServer.Tests.Backplane;

/// <summary>Publishes numbers as a node does: many under way, and what has failed again with all that was behind it, once there is a connection.</summary>
internal sealed class SteadyPublisher(RecordingNode node, string channel)
{
    private const int MaxUnderWay = 64;

    private readonly Queue<(int Number, Task Publishing)> _underWay = new();

    /// <summary>How many messages had to go again.</summary>
    public int Repeated { get; private set; }

    /// <summary>The numbers that a node has got, without those that came again.</summary>
    public static List<int> WithoutRepeats(RecordingNode subscriber)
    {
        var numbers = new List<int>();
        foreach (string text in subscriber.Texts)
        {
            int number = int.Parse(text, CultureInfo.InvariantCulture);
            if (numbers.Count == 0 || number > numbers[^1])
            {
                numbers.Add(number);
            }
        }

        return numbers;
    }

    /// <summary>Publishes the numbers from <paramref name="from"/> to <paramref name="to"/>, without that one.</summary>
    public async Task PublishAsync(int from, int to)
    {
        int next = from;
        while (next < to || _underWay.Count > 0)
        {
            while (next < to && _underWay.Count < MaxUnderWay)
            {
                Send(next++);
            }

            (int number, Task publishing) = _underWay.Dequeue();
            try
            {
                await publishing;
            }
            catch (IOException)
            {
                await RepeatAsync(number);
            }
        }
    }

    private async Task RepeatAsync(int from)
    {
        (int Number, Task Publishing)[] behind = [.. _underWay];
        _underWay.Clear();
        await Task.WhenAll(behind.Select(m => m.Publishing)).ContinueWith(_ => { }, TaskScheduler.Default);
        while (node.States is [.., not ("new" or "resumed")])
        {
            await Task.Delay(5);
        }

        Repeated += 1 + behind.Length;
        Send(from);
        foreach ((int number, _) in behind)
        {
            Send(number);
        }
    }

    private void Send(int number) =>
        _underWay.Enqueue((number, node.Backplane.PublishAsync(Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture)), [channel]).AsTask()));
}
