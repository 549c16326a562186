namespace WsServer.Wire;

/// <summary>
/// The members of one envelope as they were read, each right by itself: whether they go together, and the packet that
/// they make.
/// </summary>
internal ref struct Envelope
{
    private Member _seen;
    private Member _twice;

    /// <summary>The event's name, or the namespace that is joined or left.</summary>
    public string? Name { get; set; }

    public string? Namespace { get; set; }

    public PacketId Id { get; set; }

    public PacketId Ack { get; set; }

    /// <summary>From <c>data</c> or <c>args</c>.</summary>
    public JsonArguments Arguments { get; set; }

    public JsonArguments Auth { get; set; }

    /// <summary>The value of a ping or pong.</summary>
    public JsonArguments Echo { get; set; }

    /// <summary>What an ack says went wrong.</summary>
    public EventError? Error { get; set; }

    /// <summary>From <c>bin</c>: how long the attachments are.</summary>
    public int[]? Lengths { get; set; }

    /// <summary>Notes that a member is there; false, when it was before. Those without a meaning may come again.</summary>
    public bool TryAdd(Member member)
    {
        bool isNew = (_seen & member) == 0;
        _seen |= member;
        if (!isNew)
        {
            _twice |= member;
        }

        return isNew;
    }

    /// <summary>Why the members do not make an envelope together; null when they do.</summary>
    public readonly EventError? FindConflict() =>
        FindVerbConflict() ?? (Has(Member.Data) && Has(Member.Args) ? EnvelopeErrors.Invalid("'data' and 'args' exclude each other.", "args") : null);

    /// <summary>Gives the arguments their attachments: the bytes behind the envelope, null for a message that is text. Returns why they do not fit.</summary>
    public EventError? Attach(ReadOnlyMemory<byte>? attachments)
    {
        if (attachments is null)
        {
            return Has(Member.Bin) ? EnvelopeErrors.Invalid("'bin' belongs in a binary message.", "bin") : null;
        }

        if (Lengths is null)
        {
            return EnvelopeErrors.Invalid("A binary message says in 'bin' how long its attachments are.", "bin");
        }

        if (!Placeholders.TrySplit(attachments.Value, Lengths, out ReadOnlyMemory<byte>[] parts))
        {
            return EnvelopeErrors.Invalid("'bin' announces more or fewer bytes than the message has.", "bin");
        }

        if (!Placeholders.AreComplete(Arguments.Utf8.Span, parts.Length))
        {
            return EnvelopeErrors.Invalid("Each attachment stands in the data exactly once.", "bin");
        }

        Arguments = new JsonArguments(Arguments.Utf8, Arguments.Count, parts);
        return null;
    }

    /// <summary>The packet; of an envelope with a fault as much as its answer needs.</summary>
    public readonly Packet ToPacket()
    {
        if (Has(Member.Event))
        {
            // An id given twice, or a namespace that is none, leaves open which event an error would answer.
            bool isTied = (_twice & (Member.Id | Member.Namespace)) == 0 && (!Has(Member.Namespace) || Namespace is not null);
            return new Packet(PacketKind.Event) { Event = Name ?? "", Namespace = Namespace, Id = isTied ? Id : default, Arguments = Arguments };
        }

        PacketKind kind = (_seen & Member.Verbs & ~Member.Error) switch
        {
            Member.Connect => PacketKind.Connect,
            Member.Disconnect => PacketKind.Disconnect,
            Member.Ping => PacketKind.Ping,
            Member.Pong => PacketKind.Pong,
            Member.Ack => PacketKind.Ack,
            _ => PacketKind.Error,
        };
        string? ns = kind is PacketKind.Connect or PacketKind.Disconnect ? Name : Namespace;
        JsonArguments arguments = kind switch
        {
            PacketKind.Connect => Auth,
            PacketKind.Ping or PacketKind.Pong => Echo,
            _ => Arguments,
        };
        return new Packet(kind) { Namespace = ns, Id = Ack, Arguments = arguments, Error = Error };
    }

    private readonly bool Has(Member member) => (_seen & member) != 0;

    private readonly EventError? FindVerbConflict()
    {
        // "error" is a member of an ack, and otherwise a verb of the server.
        bool isRefusal = Has(Member.Ack) && Has(Member.Error);
        Member verb = _seen & Member.Verbs & (isRefusal ? ~Member.Error : ~Member.None);
        if (verb == Member.None)
        {
            return EnvelopeErrors.Invalid("An envelope has one verb: event, ack, connect, disconnect, ping or pong.");
        }

        if ((verb & (verb - 1)) != 0)
        {
            return EnvelopeErrors.Invalid("An envelope has one verb; this one has several.");
        }

        if ((verb & (Member.Connected | Member.ConnectError | Member.Error)) != 0)
        {
            return EnvelopeErrors.Invalid($"'{verb.Name()}' is for the server to say.", verb.Name());
        }

        return isRefusal && Has(Member.Data | Member.Args) ? EnvelopeErrors.Invalid("An ack has data or an error, not both.", "error") : null;
    }
}
