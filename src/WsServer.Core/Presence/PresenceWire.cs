using WsServer.Cluster;

namespace WsServer.Presence;

/// <summary>What has become of a socket, as one node tells another.</summary>
internal enum PresenceWord : byte
{
    /// <summary>It is in a namespace, with all that it has.</summary>
    Enter = 1,

    /// <summary>It is in the namespace no more.</summary>
    Exit = 2,

    /// <summary>It has joined a room.</summary>
    Join = 3,

    /// <summary>It has left one.</summary>
    Leave = 4,

    /// <summary>It has other metadata.</summary>
    Describe = 5,
}

/// <summary>The form of presence between nodes.</summary>
internal static class PresenceWire
{
    public static void Write(this WireBuffer buffer, PresenceMember member)
    {
        buffer.Text(member.Namespace);
        buffer.Text(member.Sid);
        buffer.Int64(member.JoinedAt);
        buffer.Metadata(member.Metadata);
        buffer.Number(member.Rooms.Count);
        foreach ((string room, long at) in member.Rooms)
        {
            buffer.Text(room);
            buffer.Int64(at);
        }
    }

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static PresenceMember ReadMember(ref this WireReader reader, string node)
    {
        var member = new PresenceMember(node, reader.Name(), reader.Text(), reader.Time()) { Metadata = reader.Metadata() };
        int rooms = reader.Count();
        for (int i = 0; i < rooms; i++)
        {
            member.Join(reader.Text(), reader.Time());
        }

        return member;
    }

    public static void Write(this WireBuffer buffer, PresenceWord word, PresenceMember member, string? room = null)
    {
        buffer.Byte((byte)word);
        if (word == PresenceWord.Enter)
        {
            buffer.Write(member);
            return;
        }

        buffer.Text(member.Namespace);
        buffer.Text(member.Sid);
        switch (word)
        {
            case PresenceWord.Join:
                buffer.Text(room!);
                buffer.Int64(member.Rooms[room!]);
                break;
            case PresenceWord.Leave:
                buffer.Text(room!);
                break;
            case PresenceWord.Describe:
                buffer.Metadata(member.Metadata);
                break;
        }
    }

    /// <summary>Does to a node's state what it has told. A word on a socket that is not known is none: all of it is yet to come.</summary>
    /// <exception cref="InvalidDataException">It cannot be understood.</exception>
    public static void Apply(ref this WireReader reader, PresenceState state, string node)
    {
        var word = (PresenceWord)reader.Byte();
        if (word == PresenceWord.Enter)
        {
            state.Enter(reader.ReadMember(node));
            return;
        }

        PresenceMember? member = state.Find(reader.Name(), reader.Text());
        switch (word)
        {
            case PresenceWord.Exit when member is not null:
                state.Exit(member);
                break;
            case PresenceWord.Join when member is not null:
                state.Join(member, reader.Text(), reader.Time());
                break;
            case PresenceWord.Leave when member is not null:
                state.Leave(member, reader.Text());
                break;
            case PresenceWord.Describe when member is not null:
                state.Describe(member, reader.Metadata());
                break;
            case < PresenceWord.Enter or > PresenceWord.Describe:
                throw new InvalidDataException("What another node says of a socket is of no known kind.");
        }
    }

    public static void Metadata(this WireBuffer buffer, byte[]? metadata)
    {
        buffer.Bool(metadata is not null);
        if (metadata is not null)
        {
            buffer.Bytes(metadata);
        }
    }

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static byte[]? Metadata(ref this WireReader reader) => reader.Bool() ? reader.Bytes().ToArray() : null;

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static long Time(ref this WireReader reader)
    {
        long ticks = reader.Int64();
        return ticks >= 0 && ticks <= DateTimeOffset.MaxValue.Ticks ? ticks : throw new InvalidDataException("A time of another node is none.");
    }
}
