using System.Security.Claims;
using Microsoft.AspNetCore.HttpOverrides;
using WsServer.Tests.Support;

namespace WsServer.Tests.Limits;

/// <summary>A server behind a proxy: who a client is and from where is in headers that the test sets.</summary>
internal static class LimitedHost
{
    public const string Address = "203.0.113.7";
    public const string OtherAddress = "203.0.113.8";

    public static Task<EventServerHost> StartAsync(
        Action<EventServerLimits> limits, Action<EventServer>? setup = null, TimeProvider? time = null, Action<EventServerOptions>? options = null, Action<WebApplication>? endpoints = null) =>
        EventServerHost.StartAsync(
            setup,
            o =>
            {
                // A time that a test moves on in one step leaves no time for pongs.
                o.PingInterval = time is null ? o.PingInterval : TimeSpan.FromDays(20);
                limits(o.Limits);
                options?.Invoke(o);
            },
            services: builder =>
            {
                if (time is not null)
                {
                    builder.Services.AddSingleton(time);
                }
            },
            endpoints: app =>
            {
                app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor });
                app.Use((context, next) =>
                {
                    if (context.Request.Headers["X-User"].ToString() is { Length: > 0 } user)
                    {
                        context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, user)], "test"));
                    }

                    return next(context);
                });
                endpoints?.Invoke(app);
            });

    /// <summary>Asks for an upgrade.</summary>
    public static Task<RawWebSocket> RequestAsync(EventServerHost host, string? address = null, string? user = null, string path = "/") =>
        RawWebSocket.RequestAsync(host, path, null, [.. Headers(address, user).Select(h => $"{h.Key}: {h.Value}")]);

    /// <summary>Connects and joins.</summary>
    public static Task<EventClient> ConnectAsync(EventServerHost host, string? address = null, string? user = null) =>
        EventClient.ConnectAsync(host, options: options =>
        {
            foreach ((string name, string value) in Headers(address, user))
            {
                options.SetRequestHeader(name, value);
            }
        });

    private static IEnumerable<KeyValuePair<string, string>> Headers(string? address, string? user)
    {
        if (address is not null)
        {
            yield return KeyValuePair.Create("X-Forwarded-For", address);
        }

        if (user is not null)
        {
            yield return KeyValuePair.Create("X-User", user);
        }
    }
}
