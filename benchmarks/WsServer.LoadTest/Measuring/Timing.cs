namespace WsServer.LoadTest.Measuring;

/// <summary>How long things are done.</summary>
/// <param name="FirstWarmUp">Before the first window of a kind in a process: until the JIT compiler is done.</param>
/// <param name="WarmUp">Before any other window.</param>
/// <param name="Window">While it is measured.</param>
/// <param name="RatedWindow">The same for a load of a fixed rate, of which the slowest messages matter: they need many.</param>
/// <param name="Settle">Between connecting and looking at the memory.</param>
internal sealed record Timing(TimeSpan FirstWarmUp, TimeSpan WarmUp, TimeSpan Window, TimeSpan RatedWindow, TimeSpan Settle)
{
    public static Timing Full { get; } = new(TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(0.4), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5));

    public static Timing Quick { get; } = new(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(0.3));
}
