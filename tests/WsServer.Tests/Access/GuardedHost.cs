using System.Buffers.Text;
using System.Net.WebSockets;
using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.BearerToken;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Options;
using WsServer.Tests.Support;

namespace WsServer.Tests.Access;

/// <summary>A server with the framework's own bearer tokens and cookies, and a policy <c>vip</c>.</summary>
internal static class GuardedHost
{
    public const string Bearer = BearerTokenDefaults.AuthenticationScheme;
    public const string Cookie = "Cookies";

    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>Starts it.</summary>
    /// <param name="setup">Registers handlers; <c>/whoami</c> of every namespace is there already.</param>
    /// <param name="options">Sets options.</param>
    /// <param name="endpoints">Maps endpoints beside the event server.</param>
    /// <param name="services">Adds services.</param>
    /// <param name="scheme">The default scheme.</param>
    /// <param name="time">The time, when it is to stand still.</param>
    public static Task<EventServerHost> StartAsync(
        Action<EventServer>? setup = null,
        Action<EventServerOptions>? options = null,
        Action<WebApplication>? endpoints = null,
        Action<WebApplicationBuilder>? services = null,
        string scheme = Bearer,
        TimeProvider? time = null) => EventServerHost.StartAsync(
            io =>
            {
                io.On("whoami", socket => socket.User.Identity?.Name);
                setup?.Invoke(io);
            },
            options,
            services: builder =>
            {
                builder.Services.AddSingleton<IDataProtectionProvider>(new EphemeralDataProtectionProvider());
                builder.Services.AddAuthentication(scheme).AddBearerToken(Bearer).AddCookie(Cookie);
                builder.Services.AddAuthorization(o => o.AddPolicy("vip", policy => policy.RequireClaim("vip")));
                if (time is not null)
                {
                    builder.Services.AddSingleton(time);
                }

                services?.Invoke(builder);
            },
            endpoints: app =>
            {
                app.MapGet("/sign-in/{name}", (string name) => Results.SignIn(UserOf(name), authenticationScheme: Cookie));
                endpoints?.Invoke(app);
            });

    /// <summary>Somebody who is signed in.</summary>
    public static ClaimsPrincipal UserOf(string name, bool isVip = false)
    {
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.NameIdentifier, $"id-{name}")], "test");
        if (isVip)
        {
            identity.AddClaim(new Claim("vip", "yes"));
        }

        return new ClaimsPrincipal(identity);
    }

    /// <summary>A token, as the framework makes them.</summary>
    public static string TokenOf(this EventServerHost host, string name, bool isVip = false, TimeSpan? lifetime = null)
    {
        IServiceProvider services = host.App.Services;
        DateTimeOffset expires = services.GetRequiredService<TimeProvider>().GetUtcNow() + (lifetime ?? Lifetime);
        var ticket = new AuthenticationTicket(UserOf(name, isVip), new AuthenticationProperties { ExpiresUtc = expires }, $"{Bearer}:AccessToken");
        return services.GetRequiredService<IOptionsMonitor<BearerTokenOptions>>().Get(Bearer).BearerTokenProtector.Protect(ticket);
    }

    public static string Base64UrlOf(string token) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(token));

    /// <summary>Connects as somebody who has a token in the header.</summary>
    public static Task<EventClient> ConnectAsAsync(this EventServerHost host, string token, string path = "/") =>
        EventClient.ConnectAsync(host, path, o => o.SetRequestHeader("Authorization", $"Bearer {token}"));

    /// <summary>The status with which an upgrade is refused.</summary>
    public static async Task<int> RefusedAsync(this EventServerHost host, string path = "/", Action<ClientWebSocketOptions>? options = null)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.Proxy = null;
        options?.Invoke(socket.Options);
        using var timeout = new CancellationTokenSource(Within.Reason);
        try
        {
            await socket.ConnectAsync(host.Ws(path), timeout.Token);
        }
        catch (WebSocketException)
        {
            return (int)socket.HttpStatusCode;
        }

        throw new InvalidOperationException("The upgrade was not refused.");
    }
}
