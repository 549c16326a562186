namespace WsServer.Conformance;

/// <summary>What the JavaScript client's own suite expects of its server: namespaces to join, and events that show what arrives.</summary>
internal static class ClientSuite
{
    // So that a client whose time to connect is short runs out of it.
    private static readonly TimeSpan OpeningDelay = TimeSpan.FromMilliseconds(10);

    public static void Configure(EventServerOptions options)
    {
        options.PingInterval = TimeSpan.FromSeconds(2);
        options.AllowedOrigins.Add("*");
    }

    public static void MapClientSuite(this WebApplication app)
    {
        EventServer io = app.Services.GetRequiredService<EventServer>();
        app.Use(DelayOpeningAsync);
        app.MapSocketIO(configure: options => options.ConnectionStateRecovery = true);
        foreach (string name in (string[])["/timeout_socket", "/valid", "/asd"])
        {
            io.Of(name);
        }

        io.Of("/foo").On("getId", socket => socket.Id);
        io.Of("/abc").OnConnection(socket => socket.EmitAsync("handshake", Describe(socket.Handshake)));
        io.Of("/no").Use((_, _) => throw new EventException(ErrorCodes.Unauthorized, "Auth failed (custom namespace)"));
        io.Use((socket, next) => string.IsNullOrEmpty(socket.Handshake.Query["fail"])
            ? next()
            : throw new EventException(ErrorCodes.Unauthorized, "Auth failed (main namespace)"));
        io.MapTexts();
        io.MapBinary();
        io.OnAny(AskUnanswered);
    }

    private static void MapTexts(this EventServer io)
    {
        io.On("hi", socket => socket.EmitAsync("hi"));
        io.On("echo", (_, arguments) => Task.FromResult(arguments));
        io.On("getId", socket => socket.Id);
        io.On("getHandshake", socket => Describe(socket.Handshake));
        io.On("getAckDate", _ => DateTime.UtcNow);
        io.On("getDate", socket => socket.EmitAsync("takeDate", DateTime.UtcNow));
        io.On("getDateObj", socket => socket.EmitAsync("takeDateObj", new { Date = DateTime.UtcNow }));
        io.On("false", socket => socket.EmitAsync("false", false));
        io.On("getUtf8", async socket =>
        {
            foreach (string text in (string[])["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"])
            {
                await socket.EmitAsync("takeUtf8", text);
            }
        });
    }

    private static void MapBinary(this EventServer io)
    {
        io.On("doge", socket => socket.EmitAsync("doge", "asdfasdf"u8.ToArray()));
        io.On("getbin", socket => socket.EmitAsync("takebin", "asdfasdf"u8.ToArray()));
        io.On("buffa", (socket, arguments) => IsBinary(arguments) ? socket.EmitAsync("buffack") : Task.CompletedTask);
        io.On("jsonbuff", (socket, arguments) =>
            IsGreeting(socket, arguments) ? socket.EmitAsync("jsonbuff-ack") : Task.CompletedTask);

        // In the order in which they were sent: the text is answered only behind the bytes.
        io.OnConnection(socket =>
        {
            bool isFirstHere = false;
            socket.On("abuff1", Task (_, arguments) =>
            {
                isFirstHere = IsBinary(arguments);
                return Task.CompletedTask;
            });
            socket.On("abuff2", s => isFirstHere ? s.EmitAsync("abuff2-ack") : Task.CompletedTask);
        });
    }

    // An event with a handler is acknowledged when that is done. This one is to ask, and to owe its ack.
    private static void AskUnanswered(EventSocket socket, Wire.Packet packet)
    {
        if (packet.Event == "ack")
        {
            _ = AskAsync(socket);
        }
    }

    private static async Task AskAsync(EventSocket socket)
    {
        try
        {
            JsonArguments answer = await socket.EmitWithAckAsync("ack", default);
            if (answer.Count == 2 && socket.Serializer.Read<int>(answer) == 5 && socket.Serializer.Read<Answer>(answer, 1).Test)
            {
                await socket.EmitAsync("got it");
            }
        }
        catch (EventException exception) when (exception.Code is ErrorCodes.Timeout or ErrorCodes.NotConnected)
        {
            // Some of the suite's clients leave without an answer.
        }
    }

    private static bool IsBinary(JsonArguments arguments) => arguments is { Count: 1, Attachments.Length: 1 };

    private static bool IsGreeting(EventSocket socket, JsonArguments arguments) =>
        IsBinary(arguments)
        && socket.Serializer.Read<Greeting>(arguments) is { Hello: "lol", Message.Length: > 0, Goodbye: "gotcha" };

    private static object Describe(Handshake handshake) => new
    {
        Headers = handshake.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()),
        handshake.Time,
        Address = handshake.Address?.ToString(),
        Secure = handshake.IsSecure,
        Query = handshake.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString()),
        handshake.Auth,
    };

    private static async Task DelayOpeningAsync(HttpContext context, RequestDelegate next)
    {
        if (!context.Request.Query.ContainsKey("sid"))
        {
            await Task.Delay(OpeningDelay, context.RequestAborted);
        }

        await next(context);
    }

    private sealed record Answer(bool Test);

    private sealed record Greeting(string Hello, byte[] Message, string Goodbye);
}
