namespace WsServer.Presence;

/// <summary>The views of all namespaces in which somebody is, or of which somebody wants to know. Guarded by the gate of <see cref="ServerPresence"/>.</summary>
internal sealed class PresenceViews
{
    private readonly Dictionary<string, PresenceView> _views = new(StringComparer.Ordinal);

    public PresenceView Of(string ns)
    {
        if (!_views.TryGetValue(ns, out PresenceView? view))
        {
            _views[ns] = view = new PresenceView();
        }

        return view;
    }

    public PresenceView? Find(string ns) => _views.GetValueOrDefault(ns);

    /// <summary>Lets go of a view that nobody needs: names of namespaces are the clients' to choose, where a rule takes them.</summary>
    public void Trim(string ns)
    {
        if (_views.TryGetValue(ns, out PresenceView? view) && view.IsEmpty && view.Feed is null)
        {
            _views.Remove(ns);
        }
    }
}
