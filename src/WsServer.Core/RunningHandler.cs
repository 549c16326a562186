namespace WsServer;

/// <summary>A handler that runs, as <see cref="EventServer.GetRunningHandlers"/> found it.</summary>
/// <param name="Namespace">The namespace.</param>
/// <param name="Sid">The socket that it runs for.</param>
/// <param name="Event">The event; <c>connection</c> while the socket joins, <c>disconnect</c> while it goes.</param>
/// <param name="Elapsed">For how long it was seen to run: up to a second less than it does.</param>
/// <param name="IsConnected">Whether the socket is still there.</param>
public sealed record RunningHandler(string Namespace, string Sid, string Event, TimeSpan Elapsed, bool IsConnected);
