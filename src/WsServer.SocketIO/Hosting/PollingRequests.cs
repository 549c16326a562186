using Microsoft.AspNetCore.Http;
using WsServer.SocketIO.Diagnostics;
using WsServer.SocketIO.Engine;

namespace WsServer.SocketIO.Hosting;

/// <summary>Answers the polling requests of a session.</summary>
internal static class PollingRequests
{
    private const string BinaryType = "application/octet-stream";

    /// <summary>A GET, which waits until there is something for the client.</summary>
    public static async Task GetAsync(HttpContext context, EngineSession session, EngineSettings settings)
    {
        if (session.TryPoll(out Task<PollAnswer> poll) is { } refusal)
        {
            await context.Response.RefuseAsync(refusal).ConfigureAwait(false);
            return;
        }

        try
        {
            PollAnswer answer;
            using (context.RequestAborted.UnsafeRegister(_ => session.AbandonPoll(poll), null))
            {
                answer = await poll.ConfigureAwait(false);
            }

            if (answer.Error is { } error)
            {
                await context.Response.RefuseAsync(error).ConfigureAwait(false);
            }
            else if (!await context.Response.WritePacketsAsync(answer.Packets).ConfigureAwait(false))
            {
                session.Break();
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // What was in the answer is lost, and the session with it.
            settings.Logger.RequestBroken(exception);
            session.Break();
        }
    }

    /// <summary>A POST, which is answered when the server has dealt with its packets.</summary>
    public static async Task PostAsync(HttpContext context, EngineSession session, EngineSettings settings)
    {
        if (context.Request.ContentType?.StartsWith(BinaryType, StringComparison.OrdinalIgnoreCase) == true)
        {
            // As clients of Engine.IO 3 sent binary.
            await context.Response.RefuseAsync(EngineError.BadRequest).ConfigureAwait(false);
            return;
        }

        if (session.TryBeginPost() is { } refusal)
        {
            await context.Response.RefuseAsync(refusal).ConfigureAwait(false);
            return;
        }

        EngineError? error;
        try
        {
            error = await TakeAsync(context, session, settings).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            settings.Logger.RequestBroken(exception);
            session.Break();
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }
        finally
        {
            // Before the answer, on which the client may post again.
            session.EndPost();
        }

        await (error is null ? context.Response.WriteOkAsync() : context.Response.RefuseAsync(error)).ConfigureAwait(false);
    }

    private static async Task<EngineError?> TakeAsync(HttpContext context, EngineSession session, EngineSettings settings)
    {
        if (await RequestBody.TryReadAsync(context.Request, settings.MaxPayload).ConfigureAwait(false) is not { } body)
        {
            return EngineError.TooLarge;
        }

        EngineError? refusal = session.TryTakePost(body, out Task answered);
        await answered.ConfigureAwait(false);
        return refusal;
    }
}
