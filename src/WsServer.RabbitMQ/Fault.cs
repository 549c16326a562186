using System.Net.Sockets;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace WsServer.RabbitMQ;

/// <summary>Says why a connection was lost or not made, for people: one sentence, without credentials.</summary>
internal static class Fault
{
    public static string Describe(Exception exception) => exception switch
    {
        AuthenticationFailureException => "The broker refuses the user or the password.",
        OperationInterruptedException { ShutdownReason: { } reason } => Describe(reason),
        OperationCanceledException or TimeoutException => "The broker did not answer in time.",
        AggregateException { InnerExceptions: [{ } first, ..] } => Describe(first),
        { InnerException: { } inner } when exception is IOException or ConnectFailureException or PossibleAuthenticationFailureException => Describe(inner),
        SocketException { SocketErrorCode: SocketError.OperationAborted } => "The connection was given up.",
        _ => Sentence(exception.Message),
    };

    public static string Describe(ShutdownEventArgs reason) =>
        reason.Exception is { } exception && reason.Initiator != ShutdownInitiator.Peer ? Describe(exception) : Sentence(reason.ReplyText);

    private static string Sentence(string text) => text.TrimEnd() is { Length: > 0 } trimmed ? trimmed[^1] == '.' ? trimmed : $"{trimmed}." : "For no given reason.";
}
