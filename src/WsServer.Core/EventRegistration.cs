using WsServer.Dispatch;

namespace WsServer;

/// <summary>A registered handler. Disposing removes it.</summary>
public sealed class EventRegistration : IDisposable
{
    private readonly HandlerTable _table;
    private readonly Handler _handler;

    internal EventRegistration(HandlerTable table, string name, Handler handler)
    {
        _table = table;
        _handler = handler;
        Event = name;
    }

    /// <summary>The event's name.</summary>
    public string Event { get; }

    /// <summary>Removes the handler.</summary>
    public void Dispose() => _table.Remove(Event, _handler);
}
