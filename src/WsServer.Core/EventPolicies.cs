using System.Collections.Concurrent;
using WsServer.Wire;

namespace WsServer;

/// <summary>What becomes of the events of one namespace, by their names, for clients that do not read fast enough.</summary>
internal sealed class EventPolicies
{
    private readonly ConcurrentDictionary<string, (SlowConsumerPolicy Policy, DropTerms? Terms)> _ofEvents = new(StringComparer.Ordinal);

    public void Set(string ns, string name, SlowConsumerPolicy policy) =>
        _ofEvents[name] = (policy, policy.IsFixed ? policy.TermsFor(ns, name, default) : null);

    /// <summary>Those of an event; null when it has no policy, or may not be dropped by it.</summary>
    public DropTerms? TermsOf(string ns, in Packet packet)
    {
        if (!_ofEvents.TryGetValue(packet.Event, out (SlowConsumerPolicy Policy, DropTerms? Terms) found))
        {
            return null;
        }

        return found.Policy.IsFixed ? found.Terms : found.Policy.TermsFor(ns, packet.Event, packet.Arguments);
    }
}
