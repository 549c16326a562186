using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace WsServer.SocketIO.Hosting;

/// <summary>Serves the script of the client library from the npm package that the user has installed.</summary>
internal static class ClientFiles
{
    private const string Missing =
        "The client script is not on this server: run \"npm install socket.io-client\", and set ClientDirectory of "
        + "SocketIOOptions (SocketIO:ClientDirectory in the configuration) to the package's folder node_modules/socket.io-client/dist.";

    // All there is to get, and each a route of its own: a name from a request never becomes a path.
    private static readonly string[] Names = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js"];
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Maps the scripts and their source maps.</summary>
    /// <param name="endpoints">Where routes are added.</param>
    /// <param name="path">The path of the Engine.IO endpoint, beside which they lie.</param>
    /// <param name="directory">The folder they are in, an absolute path; null when there is none.</param>
    public static void MapClientFiles(this IEndpointRouteBuilder endpoints, string path, string? directory)
    {
        foreach (string name in Names)
        {
            Map(name, "text/javascript; charset=utf-8");
            Map($"{name}.map", "application/json; charset=utf-8");
        }

        void Map(string name, string contentType)
        {
            string? file = directory is null ? null : Path.Combine(directory, name);
            endpoints.MapMethods($"{path.TrimEnd('/')}/{name}", Methods, context => SendAsync(context, file, contentType))
                .WithDisplayName($"Socket.IO's {name}");
        }
    }

    private static Task SendAsync(HttpContext context, string? path, string contentType)
    {
        // Looked for at each request: the package may be installed, or updated, while the server runs.
        if (path is null || new FileInfo(path) is not { Exists: true } file)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            context.Response.ContentType = "text/plain; charset=utf-8";
            return context.Response.WriteAsync(Missing);
        }

        // To be asked for again each time, and rarely sent again: the script must fit the server after an update.
        context.Response.Headers.CacheControl = "public, max-age=0";

        // It is everybody's already, and a page of another origin gets the module in no other way.
        context.Response.Headers.AccessControlAllowOrigin = "*";
        string tag = string.Create(CultureInfo.InvariantCulture, $"\"{file.LastWriteTimeUtc.Ticks:x}-{file.Length:x}\"");
        return TypedResults.PhysicalFile(path, contentType, lastModified: file.LastWriteTimeUtc, entityTag: new EntityTagHeaderValue(tag, isWeak: true)).ExecuteAsync(context);
    }
}
