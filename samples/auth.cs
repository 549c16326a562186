// Who gets in: a token for who signs in, policies for what not everybody may, a new token on the open connection.
//
//   dotnet run samples/auth.cs
//   curl -X POST "http://localhost:3000/login?name=ada"      (a token, as "accessToken"; it is good for five minutes)
//   wscat -c ws://localhost:3000                             (without one: error: Unexpected server response: 401)
//   wscat -c ws://localhost:3000 -H "Authorization: Bearer <token>"
//   < {"connected":"/","sid":"…"}
//   > {"event":"whoami","id":1}
//   < {"ack":1,"data":"ada"}
//   > {"event":"close the shop","id":2}
//   < {"ack":2,"error":{"code":"forbidden","message":"This user may not do that."}}
//   > {"event":"$auth","data":"<a new token>","id":3}        (before the five minutes are over)
//   < {"ack":3,"data":{"expiresInMs":299987}}
//
// A page cannot set headers for a WebSocket; it brings the token as a subprotocol, which never gets into a URL or a log:
//
//   const { accessToken } = await (await fetch('/login?name=root', { method: 'POST' })).json();
//   const encoded = btoa(accessToken).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
//   const socket = new WebSocket('ws://localhost:3000', ['wsserver.json.v1', `bearer.${encoded}`]);
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/WsServer.Core
#:property PublishAot=false

using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.BearerToken;
using WsServer;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://localhost:3000";
builder.Services.AddAuthentication(BearerTokenDefaults.AuthenticationScheme)
    .AddBearerToken(options => options.BearerTokenExpiration = TimeSpan.FromMinutes(5));
builder.Services.AddAuthorization(options => options.AddPolicy("owners", policy => policy.RequireClaim("role", "owner")));
builder.Services.AddEvents(options => options.CloseOnAuthenticationExpiration = true);
WebApplication app = builder.Build();

// Where a program would ask for a password. Whoever says that he is root owns the shop.
app.MapPost("/login", (string name) =>
{
    var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, name), new Claim("role", name == "root" ? "owner" : "guest")], "sample");
    return Results.SignIn(new ClaimsPrincipal(identity), authenticationScheme: BearerTokenDefaults.AuthenticationScheme);
});

EventServer io = app.MapEvents("/").RequireAuthorization();

io.On("whoami", socket => socket.User.Identity?.Name);

io.On("close the shop", async socket =>
{
    await io.EmitAsync("closed", socket.User.Identity?.Name);
    return "closed";
}).RequireAuthorization("owners");

// Only owners get into the back room, by whatever way they try.
io.Of("/back-room").RequireAuthorization("owners");

await app.RunAsync();
