using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FluentAssertions;
using WsServer.Tests.Support;
using WsServer.Tests.Wire;
using Xunit;

namespace WsServer.Tests.Dispatch;

/// <summary>
/// What a handler is given it may keep, though the buffer that it came in is used again: what was kept is looked at
/// after a hundred more messages.
/// </summary>
public class KeptArgumentsTests
{
    // Ways for an event's text to reach the program; each adds a look at what it kept.
    private static readonly Dictionary<string, Action<EventServer, Kept>> Ways = new()
    {
        ["arguments"] = (io, kept) => io.On("keep", (EventSocket _, JsonArguments a) => kept.Add(() => a.ToString())),
        ["arguments over an await"] = (io, kept) => io.On("keep", async (EventSocket _, JsonArguments a) =>
        {
            await Task.Yield();
            kept.Add(() => a.ToString());
        }),
        ["arguments, answered"] = (io, kept) => io.On("keep", async (EventSocket _, JsonArguments a) =>
        {
            await Task.Yield();
            kept.Add(() => a.ToString());
            return a;
        }),
        ["raw arguments, copied"] = (io, kept) => io.OnRaw("keep", (_, raw) =>
        {
            JsonArguments a = raw.ToArguments();
            kept.Add(() => a.ToString());
        }),
        ["raw arguments, copied and answered"] = (io, kept) => io.OnRaw("keep", (_, raw) =>
        {
            JsonArguments a = raw.ToArguments();
            kept.Add(() => a.ToString());
            return raw;
        }),
        ["an element"] = (io, kept) => io.On("keep", (EventSocket _, JsonElement e) => kept.Add(() => e.GetRawText())),
        ["an element over an await"] = (io, kept) => io.On("keep", async (EventSocket _, JsonElement e) =>
        {
            await Task.Yield();
            kept.Add(() => e.GetRawText());
        }),
        ["a node"] = (io, kept) => io.On("keep", (EventSocket _, JsonNode n) => kept.Add(() => n.ToJsonString())),
        ["a value"] = (io, kept) => io.On("keep", (EventSocket _, Note n) => kept.Add(() => n.Json)),
        ["a value over an await"] = (io, kept) => io.On("keep", async (EventSocket _, Note n, CancellationToken _) =>
        {
            await Task.Yield();
            kept.Add(() => n.Json);
        }),
        ["middleware"] = (io, kept) =>
        {
            io.UseEvents(async (context, next) =>
            {
                kept.Add(() => context.Arguments.ToString());
                await next();
            });
            io.On("keep", _ => { });
        },
        ["middleware that reads"] = (io, kept) => io.UseEvents((context, _) =>
        {
            JsonElement element = context.Read<JsonElement>();
            kept.Add(() => element.GetRawText());
            context.Respond(1);
            return Task.CompletedTask;
        }),
        ["OnAny"] = (io, kept) =>
        {
            io.OnAny((_, packet) => kept.Add(() => packet.Arguments.ToString()));
            io.OnRaw("keep", (_, _) => { });
        },
        ["OnAny alone, over an await"] = (io, kept) => io.OnAny(async (_, packet) =>
        {
            await Task.Yield();
            kept.Add(() => packet.Arguments.ToString());
        }),
        ["a handler of the socket's own"] = (io, kept) =>
            io.OnConnection(socket => { socket.On("keep", (EventSocket _, JsonArguments a) => kept.Add(() => a.ToString())); }),
        ["OnAny of the socket's own"] = (io, kept) =>
            io.OnConnection(socket => socket.OnAny((_, packet) => kept.Add(() => packet.Arguments.ToString()))),
        ["the second of two handlers"] = (io, kept) =>
        {
            io.On("keep", async _ => await Task.Yield());
            io.On("keep", (EventSocket _, JsonArguments a) => kept.Add(() => a.ToString()));
        },
        ["once, and once again"] = (io, kept) =>
        {
            Register();

            void Register() => io.Once("keep", async (EventSocket _, JsonElement e) =>
            {
                Register();
                await Task.Yield();
                kept.Add(() => e.GetRawText());
            });
        },
    };

    private static readonly Dictionary<string, Action<EventServer, Kept>> BinaryWays = new()
    {
        ["an array"] = (io, kept) => io.On("keep", (EventSocket _, byte[] b) => kept.Add(() => Hex(b))),
        ["an array over an await"] = (io, kept) => io.On("keep", async (EventSocket _, byte[] b) =>
        {
            await Task.Yield();
            kept.Add(() => Hex(b));
        }),
        ["memory"] = (io, kept) => io.On("keep", (EventSocket _, ReadOnlyMemory<byte> b) => kept.Add(() => Hex(b))),
        ["writable memory"] = (io, kept) => io.On("keep", (EventSocket _, Memory<byte> b) => kept.Add(() => Hex(b))),
        ["arguments"] = (io, kept) => io.On("keep", (EventSocket _, JsonArguments a) => kept.Add(() => Hex(a.Attachments[0]))),
        ["arguments over an await"] = (io, kept) => io.On("keep", async (EventSocket _, JsonArguments a) =>
        {
            await Task.Yield();
            kept.Add(() => Hex(a.Attachments[0]));
        }),
        ["raw arguments, copied"] = (io, kept) => io.OnRaw("keep", (_, raw) =>
        {
            JsonArguments a = raw.ToArguments();
            kept.Add(() => Hex(a.Attachments[0]));
        }),
        ["middleware"] = (io, kept) => io.UseEvents((context, _) =>
        {
            context.Reply = context.Arguments;
            kept.Add(() => Hex(context.Arguments.Attachments[0]));
            return Task.CompletedTask;
        }),
        ["OnAny"] = (io, kept) => io.OnAny((_, packet) => kept.Add(() => Hex(packet.Arguments.Attachments[0]))),
        ["a handler of the socket's own"] = (io, kept) =>
            io.OnConnection(socket => { socket.On("keep", (EventSocket _, ReadOnlyMemory<byte> b) => kept.Add(() => Hex(b))); }),
    };

    public static TheoryData<string> WaysOfText => new(Ways.Keys);

    public static TheoryData<string> WaysOfBytes => new(BinaryWays.Keys);

    [Theory]
    [MemberData(nameof(WaysOfText))]
    public async Task Text_stays_as_it_came(string way)
    {
        var kept = new Kept();
        await using Asker asker = await Asker.StartAsync(io => Ways[way](io, kept));
        List<string> sent = [.. Enumerable.Range(0, 30).Select(n => new Note(n, new string((char)('a' + (n % 26)), n * 11 % 90)).Json)];

        // One by one, at first off the reading thread and then on it; then many at once.
        foreach (string data in sent.Take(15))
        {
            await asker.AskAsync("keep", data);
        }

        asker.Client.SendTogether(sent.Skip(15).Select(data => $$"""{"event":"keep","data":{{data}}}"""));
        await asker.ReuseBufferAsync(100);
        await asker.IdleAsync();

        kept.Look().Should().Equal(sent);
    }

    [Theory]
    [MemberData(nameof(WaysOfBytes))]
    public async Task Attachments_stay_as_they_came(string way)
    {
        var kept = new Kept();
        await using Asker asker = await Asker.StartAsync(io => BinaryWays[way](io, kept));
        var random = new Random(4711);
        var sent = new List<byte[]>();
        for (int n = 0; n < 20; n++)
        {
            byte[] bytes = new byte[n * 37 % 200];
            random.NextBytes(bytes);
            sent.Add(bytes);
            asker.Client.SendBinary(Codec.Binary($$"""{"event":"keep","data":{"_placeholder":true,"num":0},"bin":[{{bytes.Length}}]}""", bytes));
            await TransportPair.UntilAsync(() => kept.Count == n + 1, "it is kept");
            await asker.IdleAsync();
        }

        await asker.ReuseBufferAsync(100);

        kept.Look().Should().Equal(sent.Select(b => Hex(b)));
    }

    [Fact]
    public async Task An_ack_stays_as_it_came()
    {
        await using Asker asker = await Asker.StartAsync();
        Task<JsonArguments> raw = asker.Socket.EmitWithAckAsync("q", default(JsonArguments));
        Task<JsonElement> element = asker.Socket.EmitWithAckAsync<JsonElement>("q");
        Task<byte[]> bytes = asker.Socket.EmitWithAckAsync<byte[]>("q");
        Task<JsonArguments> refused = asker.Socket.EmitWithAckAsync("q", default(JsonArguments));
        Task<BroadcastAcks<JsonElement>> all = asker.Io.EmitWithAcksAsync<JsonElement>("q");
        var ids = new List<long>();
        for (int i = 0; i < 5; i++)
        {
            ids.Add(JsonNode.Parse(await asker.Client.ReceiveTextAsync())!["id"]!.GetValue<long>());
        }

        asker.Client.DeliverTogether(
            Text($$"""{"ack":{{ids[0]}},"args":[{"raw":true},"second"]}"""),
            Text($$$$"""{"ack":{{{{ids[1]}}}},"data":{"element":[1,2,3]}}"""),
            new(WsServer.Connections.TransportMessageKind.Binary, Codec.Binary($$"""{"ack":{{ids[2]}},"data":{"_placeholder":true,"num":0},"bin":[3]}""", 1, 2, 3)),
            Text($$$$"""{"ack":{{{{ids[3]}}}},"error":{"code":"no","message":"Not today.","details":{"why":["a","b"]}}}"""),
            Text($$$$"""{"ack":{{{{ids[4]}}}},"data":{"all":"of them"}}"""));
        await asker.ReuseBufferAsync(100);

        (await raw.WaitAsync(Within.Reason)).ToString().Should().Be("""[{"raw":true},"second"]""");
        (await element.WaitAsync(Within.Reason)).GetRawText().Should().Be("""{"element":[1,2,3]}""");
        (await bytes.WaitAsync(Within.Reason)).Should().Equal(1, 2, 3);
        EventError error = (await refused.Awaiting(r => r.WaitAsync(Within.Reason)).Should().ThrowAsync<EventException>()).Which.Error;
        error.Message.Should().Be("Not today.");
        error.Details!.ToJsonString().Should().Be("""{"details":{"why":["a","b"]}}""");
        (await all.WaitAsync(Within.Reason)).Single().Value.GetRawText().Should().Be("""{"all":"of them"}""");
    }

    [Fact]
    public async Task Auth_stays_as_it_came()
    {
        JsonElement? auth = null;
        await using Asker asker = await Asker.StartAsync(io => io.Of("/team").OnConnection(socket => { auth = socket.Handshake.Auth; }));
        asker.Client.Send("""{"connect":"/team","auth":{"token":"abc","rights":[1,2]}}""");
        await asker.ReceiveAsync("""{"connected":"/team",""");
        await asker.ReuseBufferAsync(100);
        await TransportPair.UntilAsync(() => auth is not null, "it has connected");
        auth!.Value.GetRawText().Should().Be("""{"token":"abc","rights":[1,2]}""");
    }

    private static WsServer.Connections.TransportMessage Text(string text) => new(WsServer.Connections.TransportMessageKind.Text, Encoding.UTF8.GetBytes(text));

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexString(bytes.Span);

    private sealed record Note(int N, string Text)
    {
        internal string Json => $$"""{"n":{{N}},"text":"{{Text}}"}""";
    }

    /// <summary>Looks at what was kept, taken later.</summary>
    private sealed class Kept
    {
        private readonly List<Func<string>> _looks = [];

        public int Count
        {
            get
            {
                lock (_looks)
                {
                    return _looks.Count;
                }
            }
        }

        public void Add(Func<string> look)
        {
            lock (_looks)
            {
                _looks.Add(look);
            }
        }

        public List<string> Look()
        {
            lock (_looks)
            {
                return _looks.ConvertAll(look => look());
            }
        }
    }
}
