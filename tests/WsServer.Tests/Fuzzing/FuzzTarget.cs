namespace WsServer.Tests.Fuzzing;

/// <summary>Something that reads what strangers send. Shared by the tests, which run some cases of each, and the program for long runs.</summary>
internal abstract class FuzzTarget
{
    /// <summary>All there are.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
        [new EnvelopeFuzz(), new SocketIOFuzz(), new EnginePayloadFuzz(), new FrameFuzz(), new DeflateFuzz(), new NodeFuzz()];

    public abstract string Name { get; }

    /// <summary>Makes one input, gives it to the target, and checks everything that must hold for what comes of it.</summary>
    /// <returns>What came of it, in a word; a run in which one word is missing has tried too little.</returns>
    /// <exception cref="Exception">Something did not hold.</exception>
    public abstract string Run(Random random);

    // FluentAssertions would take most of the time.
    protected static void Check(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"Not so: {what}.");
        }
    }

    protected static byte[] Bytes(Random random, int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}

/// <summary>Cases of one target, each of which can be run again by its number.</summary>
internal sealed class FuzzRun(FuzzTarget target, int seed)
{
    private readonly Dictionary<string, long> _outcomes = [];

    public FuzzTarget Target => target;

    public long Count { get; private set; }

    /// <summary>How often each thing came of a case.</summary>
    public IReadOnlyDictionary<string, long> Outcomes => _outcomes;

    /// <summary>Runs the next case.</summary>
    public void Next()
    {
        string outcome = RunCase(Count);
        _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;
        Count++;
    }

    /// <summary>Runs one case, whatever was before it.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message says how to run it again.</exception>
    public string RunCase(long number)
    {
        try
        {
            return target.Run(new Random(HashCode(number)));
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"--target {target.Name} --seed {seed} --case {number} failed: {exception.Message}", exception);
        }
    }

    public override string ToString() => $"{target.Name}: {Count} cases: {string.Join(", ", _outcomes.OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => $"{o.Value} {o.Key}"))}";

    // The finalizer of SplitMix64: near numbers give far seeds, the same on every machine.
    private int HashCode(long number)
    {
        ulong mixed = ((ulong)(uint)seed << 32) + ((ulong)number * 0x9e3779b97f4a7c15);
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        return (int)(mixed ^ (mixed >> 31));
    }
}
