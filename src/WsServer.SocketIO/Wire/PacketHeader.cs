using System.Diagnostics.CodeAnalysis;
using WsServer.Wire;

namespace WsServer.SocketIO.Wire;

/// <summary>What stands in front of a packet's JSON: <c>type[n-][/nsp,][id]</c>, behind the <c>4</c> of an Engine.IO message.</summary>
internal readonly ref struct PacketHeader
{
    /// <summary>The most attachments that a client may announce.</summary>
    public const int MaxAttachments = 10;

    /// <summary>The Engine.IO type of a message.</summary>
    public const byte Message = (byte)'4';

    private PacketHeader(PacketType type, int attachments, ReadOnlySpan<byte> ns, PacketId id, int length)
    {
        Type = type;
        Attachments = attachments;
        Namespace = ns;
        Id = id;
        Length = length;
    }

    public PacketType Type { get; }

    /// <summary>How many attachments follow the text.</summary>
    public int Attachments { get; }

    /// <summary>The namespace; empty where none is named, which means <c>/</c>.</summary>
    public ReadOnlySpan<byte> Namespace { get; }

    public PacketId Id { get; }

    /// <summary>Where the JSON begins.</summary>
    public int Length { get; }

    public static bool TryRead(ReadOnlySpan<byte> text, out PacketHeader header, [NotNullWhen(false)] out string? fault)
    {
        header = default;
        if (text is not [Message, >= (byte)'0' and <= (byte)'6', ..])
        {
            fault = "A message is a 4, and then a packet's type from 0 to 6.";
            return false;
        }

        var type = (PacketType)(text[1] - '0');
        int at = 2;
        int attachments = 0;
        if (HasAttachments(text) && !TryReadAttachments(text, out attachments, out at))
        {
            fault = $"A packet with attachments says that they are 1 to {MaxAttachments}.";
            return false;
        }

        ReadOnlySpan<byte> ns = default;
        if (at < text.Length && text[at] == '/')
        {
            int length = text[at..].IndexOf((byte)',');
            ns = length < 0 ? text[at..] : text.Slice(at, length);
            at = length < 0 ? text.Length : at + length + 1;
        }

        if (!TryReadId(text, ref at, out PacketId id))
        {
            fault = "An id is an integer from 0 to 2^53-1.";
            return false;
        }

        header = new PacketHeader(type, attachments, ns, id, at);
        fault = null;
        return true;
    }

    /// <summary>Whether a text announces attachments by its type.</summary>
    public static bool HasAttachments(ReadOnlySpan<byte> text) => text is [Message, (byte)'5' or (byte)'6', ..];

    /// <summary>Reads how many attachments a text of such a type announces; false when that is not allowed.</summary>
    public static bool TryReadAttachments(ReadOnlySpan<byte> text, out int attachments, out int end)
    {
        attachments = 0;
        for (end = 2; end < text.Length && char.IsAsciiDigit((char)text[end]) && attachments <= MaxAttachments; end++)
        {
            attachments = (attachments * 10) + (text[end] - '0');
        }

        return attachments is > 0 and <= MaxAttachments && end < text.Length && text[end++] == '-';
    }

    private static bool TryReadId(ReadOnlySpan<byte> text, ref int at, out PacketId id)
    {
        int start = at;
        long number = 0;
        for (; at < text.Length && char.IsAsciiDigit((char)text[at]); at++)
        {
            number = (number * 10) + (text[at] - '0');
            if (number > PacketId.MaxNumber)
            {
                id = default;
                return false;
            }
        }

        id = at > start ? new PacketId(number) : default;
        return true;
    }
}
