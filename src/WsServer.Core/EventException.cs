using System.Text.Json.Nodes;

namespace WsServer;

/// <summary>
/// An error with a code. Thrown from a handler it answers the event as it says; from admission middleware it turns
/// the client away with a <c>connect_error</c>; awaiting an ack throws it when the client answers with an error
/// (the client's code), gives no answer in time (<c>timeout</c>) or leaves (<c>not_connected</c>).
/// </summary>
public sealed class EventException : Exception
{
    /// <summary>Makes an error from its parts.</summary>
    /// <param name="code">A word in snake case for programs.</param>
    /// <param name="message">One sentence for a person.</param>
    /// <param name="details">Further members of the error on the wire.</param>
    /// <param name="innerException">The cause. It is logged by nobody and never sent.</param>
    public EventException(string code, string message, JsonObject? details = null, Exception? innerException = null)
        : this(new EventError(code, message, details), innerException)
    {
    }

    /// <summary>Makes an exception of an error.</summary>
    public EventException(EventError error, Exception? innerException = null)
        : base((error ?? throw new ArgumentNullException(nameof(error))).Message, innerException) => Error = error;

    /// <summary>The error as it travels.</summary>
    public EventError Error { get; }

    /// <summary>The error's code.</summary>
    public string Code => Error.Code;
}
