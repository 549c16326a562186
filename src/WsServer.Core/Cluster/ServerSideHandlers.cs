using System.Collections.Concurrent;

namespace WsServer.Cluster;

/// <summary>The handlers of a namespace for what the program of other nodes emits.</summary>
internal sealed class ServerSideHandlers(EventNamespace ns)
{
    private readonly ConcurrentDictionary<string, Func<JsonArguments, Task<object?>>> _handlers = new(StringComparer.Ordinal);

    public void Set(string name, Func<JsonArguments, Task<object?>> handler) => _handlers[name] = handler;

    /// <summary>Runs the handler of an event, and gives its answer.</summary>
    /// <exception cref="EventException">There is none, or it does not want what it was given.</exception>
    public async Task<JsonArguments> RunAsync(string name, JsonArguments arguments)
    {
        if (!_handlers.TryGetValue(name, out Func<JsonArguments, Task<object?>>? handler))
        {
            throw new EventException(ErrorCodes.UnknownEvent, $"No handler for the server-side event '{name}'.");
        }

        return ns.Serializer.Write(await handler(arguments).ConfigureAwait(false));
    }
}
