using Microsoft.AspNetCore.Http;
using WsServer.Diagnostics;
using WsServer.Hosting;
using WsServer.Limits;
using WsServer.SocketIO.Diagnostics;
using WsServer.SocketIO.Engine;

namespace WsServer.SocketIO.Hosting;

/// <summary>
/// Answers the requests of Engine.IO 4 under one path. It knows nothing of what the sessions are for.
/// </summary>
/// <param name="settings">What the sessions have in common.</param>
/// <param name="run">Runs the client of a session until it ends.</param>
/// <param name="isFull">Whether there is no room for a client, for reasons other than the number of sessions.</param>
/// <param name="isLimited">Whether addresses and users are limited as the event server's are.</param>
internal sealed class EngineEndpoint(
    EngineSettings settings, Func<EngineSession, Handshake, Task> run, Func<bool>? isFull = null, bool isLimited = false)
{
    private const string Version = "4";
    private const string Polling = "polling";
    private const string WebSocket = "websocket";

    private readonly EngineSessions _sessions = new(settings);
    private readonly LogGate _refusals = new(settings.Time);

    /// <summary>Whether a request is to open a connection, or names no open session.</summary>
    public bool IsAttempt(HttpContext context) => isLimited && !_sessions.Has(context.Request.Query["sid"].ToString());

    /// <summary>Counts an attempt; says whether it is one too many.</summary>
    public bool IsOneTooMany(HttpContext context, out TimeSpan retryAfter)
    {
        retryAfter = default;
        return isLimited && (context.WebSockets.IsWebSocketRequest || IsAttempt(context)) && !context.TryCountEventAttempt(out retryAfter);
    }

    /// <summary>Answers one request.</summary>
    public Task HandleAsync(HttpContext context) =>
        context.WebSockets.IsWebSocketRequest ? HandleWebSocketAsync(context) : HandlePollingAsync(context);

    private Task HandlePollingAsync(HttpContext context)
    {
        if (Check(context, out EngineSession? session) is { } error)
        {
            return context.Response.RefuseAsync(error);
        }

        if (session is null)
        {
            return OpenPollingAsync(context);
        }

        return HttpMethods.IsGet(context.Request.Method) ? PollingRequests.GetAsync(context, session, settings)
            : HttpMethods.IsPost(context.Request.Method) ? PollingRequests.PostAsync(context, session, settings)
            : context.Response.RefuseAsync(EngineError.BadRequest);
    }

    private Task HandleWebSocketAsync(HttpContext context)
    {
        if (Check(context, out EngineSession? session) is { } error)
        {
            return context.Response.RefuseUpgradeAsync(error);
        }

        return session is null ? OpenWebSocketAsync(context) : UpgradeRequests.HandleAsync(context, session, settings);
    }

    /// <summary>Finds what is wrong with a request, in the order of the reference; without fault, its session if it names one.</summary>
    private EngineError? Check(HttpContext context, out EngineSession? session)
    {
        session = null;
        IQueryCollection query = context.Request.Query;
        string transport = query["transport"].ToString();
        if (transport is not (Polling or WebSocket))
        {
            return EngineError.UnknownTransport;
        }

        bool isMismatch = context.WebSockets.IsWebSocketRequest != (transport == WebSocket);
        string sid = query["sid"].ToString();
        if (sid.Length > 0)
        {
            session = _sessions.Find(sid, context.FindEventIdentity());
            return session is null ? EngineError.UnknownSession : isMismatch ? EngineError.BadRequest : null;
        }

        // A WebSocket over HTTP/2 comes with CONNECT.
        return !HttpMethods.IsGet(context.Request.Method) && !context.WebSockets.IsWebSocketRequest ? EngineError.BadHandshakeMethod
            : isMismatch ? EngineError.BadRequest
            : query["EIO"] != Version ? EngineError.UnsupportedVersion
            : null;
    }

    private Task OpenPollingAsync(HttpContext context)
    {
        if (TryReserve(context, out ClientPlace? place) is { } error)
        {
            return context.Response.RefuseAsync(error);
        }

        Handshake handshake = DetachedHandshake.From(context, settings.Time);
        EngineSession session = _sessions.Open(socket: null, place, context.FindEventIdentity());
        using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
        {
            // The session outlives its requests, and is not to hold on to what belongs to the first.
            _ = Task.Run(() => RunAsync(session, handshake, socket: null));
        }

        return context.Response.WritePacketsAsync([EnginePackets.Open(session.Sid, canUpgrade: true, settings)]);
    }

    private async Task OpenWebSocketAsync(HttpContext context)
    {
        if (TryReserve(context, out ClientPlace? place) is { } error)
        {
            await context.Response.RefuseUpgradeAsync(error).ConfigureAwait(false);
            return;
        }

        EngineSocket socket;
        try
        {
            socket = await UpgradeRequests.AcceptAsync(context, settings).ConfigureAwait(false);
        }
        catch
        {
            _sessions.Unreserve();
            place?.Dispose();
            throw;
        }

        EngineSession session = _sessions.Open(socket, place, context.FindEventIdentity());
        await RunAsync(session, Handshake.From(context, settings.Time), socket).ConfigureAwait(false);
    }

    private EngineError? TryReserve(HttpContext context, out ClientPlace? place)
    {
        place = null;
        if (isLimited && !context.TryTakeEventPlace(out place, out TimeSpan retryAfter))
        {
            context.Response.SetRetryAfter(retryAfter);
            return EngineError.TooManyConnections;
        }

        if (isFull?.Invoke() != true && _sessions.TryReserve())
        {
            return null;
        }

        place?.Dispose();
        if (_refusals.TryPass(out int skipped))
        {
            settings.Logger.TooManySessions(settings.MaxSessions, skipped);
        }

        context.Response.SetRetryAfter(settings.RetryAfter);
        return EngineError.Full;
    }

    private async Task RunAsync(EngineSession session, Handshake handshake, EngineSocket? socket)
    {
        try
        {
            if (socket is null || await TrySendOpenAsync(session, socket).ConfigureAwait(false))
            {
                await run(session, handshake).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            settings.Logger.SessionFailed(exception);
        }
        finally
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<bool> TrySendOpenAsync(EngineSession session, EngineSocket socket)
    {
        try
        {
            await socket.SendAsync(new[] { EnginePackets.Open(session.Sid, canUpgrade: false, settings) }).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // Gone already: a client that ran out of patience.
            settings.Logger.SendFailed(exception);
            return false;
        }
    }
}
