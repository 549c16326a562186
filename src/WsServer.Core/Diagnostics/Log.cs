using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace WsServer.Diagnostics;

/// <summary>Every log message of the library.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "The handler of event {Event} failed for socket {Sid} in {Namespace}.")]
    public static partial void HandlerFailed(this ILogger logger, Exception exception, string @event, string sid, string @namespace);

    [LoggerMessage(2, LogLevel.Error, "A {Handler} handler failed for socket {Sid} in {Namespace}.")]
    public static partial void LifecycleFailed(this ILogger logger, Exception exception, string handler, string sid, string @namespace);

    [LoggerMessage(3, LogLevel.Debug, "Sending to a client failed.")]
    public static partial void SendFailed(this ILogger logger, Exception exception);

    [LoggerMessage(4, LogLevel.Debug, "Receiving from a client failed.")]
    public static partial void ReceiveFailed(this ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Debug, "A client broke the rules of its transport.")]
    public static partial void Malformed(this ILogger logger, Exception exception);

    [LoggerMessage(6, LogLevel.Debug, "Socket {Sid} joined {Namespace}.")]
    public static partial void Joined(this ILogger logger, string sid, string @namespace);

    [LoggerMessage(7, LogLevel.Debug, "Socket {Sid} left {Namespace}: {Reason}.")]
    public static partial void Left(this ILogger logger, string sid, string @namespace, string reason);

    [LoggerMessage(8, LogLevel.Warning, "Socket {Sid} left {Namespace}, but its handlers still run; going on without them.")]
    public static partial void HandlersStillRun(this ILogger logger, string sid, string @namespace);

    [LoggerMessage(9, LogLevel.Warning, "An upgrade was refused: the origin {Origin} is not allowed. See EventServerOptions.AllowedOrigins. {Skipped} refusals before it were not logged.")]
    public static partial void OriginRefused(this ILogger logger, string origin, int skipped);

    [LoggerMessage(10, LogLevel.Warning, "An upgrade was refused: there are {Count} connections, as many as MaxConnections allows. {Skipped} refusals before it were not logged.")]
    public static partial void TooManyConnections(this ILogger logger, int count, int skipped);

    [LoggerMessage(11, LogLevel.Information, "Shutting down: {Count} connections are told, their handlers may finish.")]
    public static partial void ShuttingDown(this ILogger logger, int count);

    [LoggerMessage(12, LogLevel.Warning, "Shutting down: {Count} connections still had handlers or acks under way when the time was up.")]
    public static partial void ShutdownCutShort(this ILogger logger, int count);

    [LoggerMessage(13, LogLevel.Error, "A handler of room events failed for room {Room} in {Namespace}.")]
    public static partial void RoomHandlerFailed(this ILogger logger, Exception exception, string room, string @namespace);

    [LoggerMessage(14, LogLevel.Error, "Taking a client's message failed.")]
    public static partial void MessageFailed(this ILogger logger, Exception exception);

    [LoggerMessage(15, LogLevel.Error, "The namespace {Namespace} could not be made: its rule or its set-up failed.")]
    public static partial void NamespaceFailed(this ILogger logger, Exception exception, string @namespace);

    [LoggerMessage(16, LogLevel.Error, "The details of the error {Code} cannot be written as JSON; it is sent without them.")]
    public static partial void DetailsFailed(this ILogger logger, Exception exception, string code);

    [LoggerMessage(18, LogLevel.Debug, "Socket {Sid} came back to {Namespace}, where it had missed {Count} events.")]
    public static partial void CameBack(this ILogger logger, string sid, string @namespace, int count);

    [LoggerMessage(30, LogLevel.Warning, "A connection was refused: {Address} tries more often than ConnectionAttemptsPerSecond allows. {Skipped} refusals before it were not logged.")]
    public static partial void TooManyAttempts(this ILogger logger, IPAddress address, int skipped);

    [LoggerMessage(31, LogLevel.Warning, "A connection was refused: {Address} has as many as MaxConnectionsPerAddress allows. {Skipped} refusals before it were not logged.")]
    public static partial void TooManyOfAddress(this ILogger logger, IPAddress address, int skipped);

    [LoggerMessage(32, LogLevel.Warning, "A connection was refused: the user {User} has as many as MaxConnectionsPerUser allows. {Skipped} refusals before it were not logged.")]
    public static partial void TooManyOfUser(this ILogger logger, string user, int skipped);

    [LoggerMessage(33, LogLevel.Warning, "A connection was closed: its client went on sending over the rate for each {Scope}. {Skipped} before it were not logged.")]
    public static partial void RateLimited(this ILogger logger, string scope, int skipped);

    [LoggerMessage(34, LogLevel.Warning, "Socket {Sid} was not put into a room: it is in {Limit}, as many as MaxRoomsPerSocket allows. {Skipped} before it were not logged.")]
    public static partial void TooManyRooms(this ILogger logger, string sid, int limit, int skipped);

    [LoggerMessage(20, LogLevel.Debug, "A token that socket {Sid} in {Namespace} came with was refused: {Code}.")]
    public static partial void TokenRefused(this ILogger logger, string sid, string @namespace, string code);

    [LoggerMessage(21, LogLevel.Error, "A token that socket {Sid} in {Namespace} came with could not be authenticated.")]
    public static partial void TokenFailed(this ILogger logger, Exception exception, string sid, string @namespace);

    [LoggerMessage(22, LogLevel.Debug, "Socket {Sid} is put out of {Namespace}: {Code}.")]
    public static partial void PutOut(this ILogger logger, string sid, string @namespace, string code);

    [LoggerMessage(50, LogLevel.Warning, "The handler of {Event} for socket {Sid} in {Namespace} has been running for more than {Seconds} s.")]
    public static partial void HandlerHangs(this ILogger logger, string @event, string sid, string @namespace, double seconds);

    [LoggerMessage(51, LogLevel.Warning, "{What}: the process holds {Used} MiB of the {Available} MiB that it may. See EventServerOptions.MemoryPressure.")]
    public static partial void MemoryPressure(this ILogger logger, string what, long used, long available);

    [LoggerMessage(52, LogLevel.Information, "The process may open {Files} files (ulimit -n), so there are places for {Places} connections; MaxConnections is {Wanted}.")]
    public static partial void FewDescriptors(this ILogger logger, int files, int places, int wanted);

    [LoggerMessage(53, LogLevel.Information, "Stopping: the server is no longer ready, and goes on serving for {Seconds} s.")]
    public static partial void NotReady(this ILogger logger, double seconds);

    [LoggerMessage(58, LogLevel.Error, "A tick of the heartbeat failed.")]
    public static partial void HeartbeatFailed(this ILogger logger, Exception exception);

    [LoggerMessage(54, LogLevel.Information, "{Count} sockets were left for the next start in {Path}.")]
    public static partial void RecoverySaved(this ILogger logger, int count, string path);

    [LoggerMessage(55, LogLevel.Error, "What clients can come back to could not be left in {Path}: after the restart they begin anew.")]
    public static partial void RecoverySaveFailed(this ILogger logger, Exception exception, string path);

    [LoggerMessage(56, LogLevel.Information, "{Count} sockets of before the restart were found in {Path}.")]
    public static partial void RecoveryLoaded(this ILogger logger, int count, string path);

    [LoggerMessage(57, LogLevel.Error, "What clients can come back to could not be read from {Path}: they begin anew.")]
    public static partial void RecoveryLoadFailed(this ILogger logger, Exception exception, string path);

    [LoggerMessage(17, LogLevel.Debug, "Closing a transport failed.")]
    public static partial void CloseFailed(this ILogger logger, Exception exception);

    [LoggerMessage(40, LogLevel.Debug, "A client that does not read fast enough is told that it has missed {Count} events in {Namespace}.")]
    public static partial void Lagged(this ILogger logger, long count, string @namespace);

    [LoggerMessage(70, LogLevel.Warning, "Accepting connections at {EndPoint} pauses ({Error}); those that come wait.")]
    public static partial void AcceptFailed(this ILogger logger, EndPoint endPoint, SocketError error);

    [LoggerMessage(71, LogLevel.Debug, "A client was gone before its connection was accepted.")]
    public static partial void AcceptedInVain(this ILogger logger, Exception exception);

    [LoggerMessage(72, LogLevel.Debug, "Connection {ConnectionId} had ended before the server ended it.")]
    public static partial void ConnectionEndedBefore(this ILogger logger, Exception exception, string connectionId);

    [LoggerMessage(73, LogLevel.Error, "What was to be told of the end of connection {ConnectionId} failed.")]
    public static partial void ConnectionEndFailed(this ILogger logger, Exception exception, string connectionId);

    [LoggerMessage(180, LogLevel.Information, "The runtime waits for the sockets of the connections, as the server cannot do it itself: {Reason}.")]
    public static partial void NoPolling(this ILogger logger, string reason);

    [LoggerMessage(181, LogLevel.Error, "What followed on something that came over a connection failed.")]
    public static partial void PolledFailed(this ILogger logger, Exception exception);

    [LoggerMessage(182, LogLevel.Warning, "A handler keeps the thread that waits for sockets, and no other can be made to go on for it.")]
    public static partial void NoPollThread(this ILogger logger, Exception exception);

    [LoggerMessage(183, LogLevel.Debug, "A connection's socket was closed by somebody else before the server closed it.")]
    public static partial void PolledSocketGone(this ILogger logger);

    [LoggerMessage(300, LogLevel.Information, "Node {Name} ({Node}) is connected to the other nodes. What came for it meanwhile is there: {IsResumed}.")]
    public static partial void BackplaneConnected(this ILogger logger, string name, string node, bool isResumed);

    [LoggerMessage(301, LogLevel.Warning, "The connection to the other nodes is lost ({Why}). This node goes on alone until it is back.")]
    public static partial void BackplaneLost(this ILogger logger, string why);

    [LoggerMessage(302, LogLevel.Information, "There is no connection to the other nodes yet ({Why}).")]
    public static partial void BackplaneStillAway(this ILogger logger, string why);

    [LoggerMessage(303, LogLevel.Warning, "Node {Name} starts without a connection to the others.")]
    public static partial void BackplaneAbsent(this ILogger logger, string name);

    [LoggerMessage(304, LogLevel.Error, "A message of {Length} bytes to the other nodes is refused again and again, and dropped.")]
    public static partial void BackplaneRefused(this ILogger logger, Exception? exception, int length);

    [LoggerMessage(305, LogLevel.Information, "Node {Name} ({Node}) is there.")]
    public static partial void NodeJoined(this ILogger logger, string name, string node);

    [LoggerMessage(306, LogLevel.Information, "Node {Name} ({Node}) is gone: {How}.")]
    public static partial void NodeLeft(this ILogger logger, string name, string node, string how);

    [LoggerMessage(307, LogLevel.Error, "Node {Name} spreads rooms over {Theirs} channels and this one over {Ours}: they do not get each other's events. Events:Cluster:Shards has to be the same.")]
    public static partial void ShardsDiffer(this ILogger logger, string name, int theirs, int ours);

    [LoggerMessage(308, LogLevel.Warning, "A message of node {Node} cannot be read.")]
    public static partial void NodeMessageBroken(this ILogger logger, Exception exception, string node);

    [LoggerMessage(309, LogLevel.Error, "A message ({Kind}) of node {Node} could not be handled.")]
    public static partial void NodeMessageFailed(this ILogger logger, Exception exception, string kind, string node);

    [LoggerMessage(310, LogLevel.Error, "A request ({Kind}) of node {Node} could not be handled.")]
    public static partial void NodeRequestFailed(this ILogger logger, Exception exception, string kind, string node);

    [LoggerMessage(311, LogLevel.Warning, "Not all nodes have answered a request ({Kind}) in time; what is known is without theirs.")]
    public static partial void NodesSilent(this ILogger logger, string kind);

    [LoggerMessage(312, LogLevel.Error, "Telling the other nodes that this one is there failed.")]
    public static partial void NodeTickFailed(this ILogger logger, Exception exception);

    [LoggerMessage(313, LogLevel.Error, "The handler of the server-side event {Event} in {Namespace} failed.")]
    public static partial void ServerSideFailed(this ILogger logger, Exception exception, string @event, string @namespace);

    [LoggerMessage(320, LogLevel.Error, "A handler of presence failed, of a change in {Room} of {Namespace}.")]
    public static partial void PresenceHandlerFailed(this ILogger logger, Exception exception, string room, string @namespace);

    [LoggerMessage(321, LogLevel.Warning, "Handlers of presence are {Count} changes behind in {Namespace}. They are told the difference when they have caught up.")]
    public static partial void PresenceBehind(this ILogger logger, int count, string @namespace);

    [LoggerMessage(322, LogLevel.Information, "Changes of who is in the rooms of node {Node} were missed. It is asked for all of it.")]
    public static partial void PresenceMissed(this ILogger logger, string node);

    [LoggerMessage(323, LogLevel.Warning, "Node {Node} has not said in time who is in its rooms. It is asked again.")]
    public static partial void PresenceUnanswered(this ILogger logger, string node);

    [LoggerMessage(330, LogLevel.Error, "Bringing sessions of {Namespace} from one node to another failed.")]
    public static partial void SessionMoveFailed(this ILogger logger, Exception exception, string @namespace);

    [LoggerMessage(331, LogLevel.Information, "{Count} sessions of {Namespace} were taken over from node {Node}, which stops.")]
    public static partial void SessionsAdopted(this ILogger logger, int count, string @namespace, string node);

    [LoggerMessage(332, LogLevel.Information, "{Count} sessions were handed over to other nodes; {Left} were not.")]
    public static partial void SessionsHandedOver(this ILogger logger, int count, int left);

    [LoggerMessage(333, LogLevel.Warning, "There was no time to hand over all sessions to other nodes: the clients of {Count} begin anew.")]
    public static partial void HandOverCutShort(this ILogger logger, int count);
}
