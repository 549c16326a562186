using WsServer.LoadTest.Client;

namespace WsServer.LoadTest.Scenarios;

/// <summary>A closed loop: each sender waits for what it has sent before it sends the next.</summary>
internal abstract class PacedLoad(LoadClient client) : Load
{
    /// <summary>Whether no new ones are sent.</summary>
    public bool IsStopping { get; set; }

    /// <summary>Sends the first ones.</summary>
    public abstract void Begin();

    public override void Run(TimeSpan time)
    {
        IsStopping = false;
        Begin();
        Loop.For(client, time);
        IsStopping = true;
    }
}
