namespace WsServer.Presence;

/// <summary>The sockets of one node, and their part in the views. Guarded by the gate of <see cref="ServerPresence"/>.</summary>
internal sealed class PresenceState(PresenceViews views)
{
    private readonly Dictionary<(string Namespace, string Sid), PresenceMember> _members = [];

    public IReadOnlyCollection<PresenceMember> Members => _members.Values;

    public PresenceMember? Find(string ns, string sid) => _members.GetValueOrDefault((ns, sid));

    public void Enter(PresenceMember member)
    {
        PresenceView view = views.Of(member.Namespace);
        PresenceMember? old = Find(member.Namespace, member.Sid);
        _members[(member.Namespace, member.Sid)] = member;
        if (old is null)
        {
            view.Enter(member);
        }
        else
        {
            view.Replace(old, member);
        }
    }

    public void Exit(PresenceMember member)
    {
        if (_members.Remove((member.Namespace, member.Sid)))
        {
            views.Of(member.Namespace).Exit(member);
            views.Trim(member.Namespace);
        }
    }

    public void Join(PresenceMember member, string room, long at) => views.Of(member.Namespace).Join(member, room, at);

    public void Leave(PresenceMember member, string room) => views.Of(member.Namespace).Leave(member, room);

    public void Describe(PresenceMember member, byte[]? metadata) => views.Of(member.Namespace).Describe(member, metadata);

    /// <summary>Takes the sockets of another state of the same node for its own, which that one then is not to be used for.</summary>
    public void Become(PresenceState other)
    {
        foreach (PresenceMember old in _members.Values.ToList())
        {
            if (other.Find(old.Namespace, old.Sid) is null)
            {
                Exit(old);
            }
        }

        foreach (PresenceMember member in other.Members)
        {
            Enter(member);
        }
    }

    /// <summary>The node is gone.</summary>
    public void Clear()
    {
        foreach (PresenceMember member in _members.Values.ToList())
        {
            Exit(member);
        }
    }
}
