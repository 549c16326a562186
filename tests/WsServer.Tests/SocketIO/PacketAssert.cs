using WsServer.Wire;

namespace WsServer.Tests.SocketIO;

/// <summary>Compares packets by what they say, without what FluentAssertions takes for it in loops.</summary>
internal static class PacketAssert
{
    public static void Same(Packet expected, Packet actual)
    {
        That(actual.Kind == expected.Kind, "the kind is kept");
        That(actual.Namespace == expected.Namespace, "the namespace is kept");
        That(actual.Event == expected.Event, "the name is kept");
        That(actual.Id == expected.Id, "the id is kept");
        That(actual.Arguments.Count == expected.Arguments.Count, "the number of arguments is kept");
        That(actual.Arguments.ToString() == expected.Arguments.ToString(), "the arguments are kept");
        That(actual.Arguments.Attachments.Length == expected.Arguments.Attachments.Length, "the attachments are kept");
        for (int i = 0; i < expected.Arguments.Attachments.Length; i++)
        {
            That(actual.Arguments.Attachments[i].Span.SequenceEqual(expected.Arguments.Attachments[i].Span), "the attachments are kept as they are");
        }
    }

    public static void That(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"Not so: {what}.");
        }
    }
}
