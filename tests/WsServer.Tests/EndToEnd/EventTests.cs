using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class EventTests
{
    internal sealed record Message(string Text, int Number);

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("9007199254740991")]
    [InlineData("\"\"")]
    [InlineData("\"1\"")]
    [InlineData("\"Grüße 😀 \\\" \\\\\"")]
    [InlineData("\"0123456789012345678901234567890123456789012345678901234567890123\"")]
    public async Task An_id_comes_back_as_it_was(string id)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("x", _ => { }));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync($$"""{"event":"x","id":{{id}}}""");

        JsonElement ack = await client.NextAsync();
        JsonElement.DeepEquals(ack, JsonElement.Parse($$"""{"ack":{{id}}}""")).Should().BeTrue("{0} is the ack", ack);
    }

    [Fact]
    public async Task An_argument_may_be_taken_as_json_wherever_it_stands()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On<JsonArguments>("one", (socket, data) => socket.EmitAsync("got", data));
            io.On<int, JsonArguments>("two", (socket, number, data) => socket.EmitAsync("got", data));
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"one","data":{"a":[1, 2]}}""");
        await client.SendAsync("""{"event":"two","args":[7,{"b":"é"}]}""");
        await client.SendAsync("""{"event":"two","args":[7]}""");

        (await client.NextAsync()).GetProperty("data").GetRawText().Should().Be("""{"a":[1, 2]}""");
        (await client.NextAsync()).GetProperty("data").GetRawText().Should().Be("""{"b":"é"}""");
        (await client.NextAsync()).TryGetProperty("data", out _).Should().BeFalse("what is missing is no argument");
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("9007199254740992")]
    [InlineData("1.5")]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("[1]")]
    [InlineData("\"01234567890123456789012345678901234567890123456789012345678901234\"")]
    public async Task An_id_of_another_kind_is_an_invalid_envelope(string id)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("x", _ => { }));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync($$"""{"event":"x","id":{{id}}}""");

        (await client.ErrorAsync("invalid_envelope")).GetProperty("path").GetString().Should().Be("id");
    }

    [Fact]
    public async Task An_id_that_is_still_pending_is_an_error_and_the_first_is_answered()
    {
        var go = new TaskCompletionSource();
        int calls = 0;
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("slow", async (EventSocket _, string text) =>
        {
            calls++;
            await go.Task;
            return text;
        }));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"slow","data":"one","id":1}""");
        await client.SendAsync("""{"event":"slow","data":"two","id":1}""");
        await client.SendAsync("""{"event":"slow","data":"text","id":"1"}""");
        JsonElement error = await client.ErrorAsync("invalid_envelope");
        go.SetResult();

        error.GetProperty("path").GetString().Should().Be("id");
        (await client.NextAsync()).GetRawText().Should().Be("""{"ack":1,"data":"one"}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"ack":"1","data":"text"}""");
        await client.SendAsync("""{"event":"slow","data":"again","id":1}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"ack":1,"data":"again"}""");
        calls.Should().Be(3);
    }

    [Fact]
    public async Task An_event_without_an_id_gets_no_ack()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("x", (EventSocket _, int n) => n));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"x","data":1}""");
        (await client.AskAsync("x", "2")).GetProperty("data").GetInt32().Should().Be(2);

        client.Waiting.Should().BeEmpty();
    }

    [Fact]
    public async Task An_unknown_event_is_dropped_and_with_an_id_answered()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"nothing"}""");
        JsonElement ack = await client.AskAsync("nothing");

        ack.GetProperty("error").GetProperty("code").GetString().Should().Be("unknown_event");
        client.Waiting.Should().BeEmpty();
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData("connect")]
    [InlineData("connect_error")]
    [InlineData("connection")]
    [InlineData("disconnect")]
    [InlineData("disconnecting")]
    [InlineData("error")]
    [InlineData("newListener")]
    [InlineData("removeListener")]
    [InlineData("$anything")]
    public async Task A_reserved_name_is_no_event_for_either_side(string name)
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync(name)).GetProperty("error").GetProperty("code").GetString().Should().Be("invalid_envelope");
        host.Io.Invoking(io => io.On(name, _ => { })).Should().Throw<ArgumentException>();
        await host.Io.Awaiting(io => io.EmitAsync(name)).Should().ThrowAsync<ArgumentException>();
        await host.Io.Root.FindSocket(client.Sid)!.Awaiting(s => s.EmitAsync(name, "x", TimeSpan.FromSeconds(1))).Should().ThrowAsync<ArgumentException>();
    }

    [Theory]
    [InlineData("""{"event":"count"}""", 0)]
    [InlineData("""{"event":"count","args":[]}""", 0)]
    [InlineData("""{"event":"count","data":null}""", 1)]
    [InlineData("""{"event":"count","data":[1,2]}""", 1)]
    [InlineData("""{"event":"count","args":[[1,2]]}""", 1)]
    [InlineData("""{"event":"count","args":[1, {"a":[2]} ,3]}""", 3)]
    public async Task Data_is_one_argument_and_args_are_any_number(string envelope, int count)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On(
            "count", (EventSocket socket, JsonArguments arguments) => Task.FromResult(socket.Serializer.Write(arguments.Count))));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync(envelope[..^1] + ",\"id\":1}");

        (await client.AckAsync(1)).GetProperty("data").GetInt32().Should().Be(count);
    }

    [Fact]
    public async Task No_argument_is_written_as_nothing_one_as_data_and_several_as_args()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("echo", (_, arguments) => Task.FromResult(arguments)));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await host.Io.EmitAsync("e");
        await host.Io.EmitAsync("e", 1);
        await host.Io.EmitAsync("e", new[] { 1, 2 });
        await host.Io.EmitAsync("e", 1, "two");
        await host.Io.EmitAsync("e", 1, 2, 3);
        await host.Io.EmitAsync("e", 1, 2, 3, 4, 5);
        await client.SendAsync("""{"event":"echo","args":[],"id":1}""");
        await client.SendAsync("""{"event":"echo","args":[7],"id":2}""");
        await client.SendAsync("""{"event":"echo","args":[7,8],"id":3}""");

        (await client.NextAsync()).GetRawText().Should().Be("""{"event":"e"}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"event":"e","data":1}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"event":"e","data":[1,2]}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"event":"e","args":[1,"two"]}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"event":"e","args":[1,2,3]}""");
        (await client.NextAsync()).GetRawText().Should().Be("""{"event":"e","args":[1,2,3,4,5]}""");
        (await client.AckAsync(1)).GetRawText().Should().Be("""{"ack":1}""");
        (await client.AckAsync(2)).GetRawText().Should().Be("""{"ack":2,"data":7}""");
        (await client.AckAsync(3)).GetRawText().Should().Be("""{"ack":3,"args":[7,8]}""");
    }

    [Fact]
    public async Task Handlers_take_no_one_two_and_three_arguments_and_answer()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("none", _ => "none");
            io.On("one", (EventSocket _, Message m) => m with { Number = m.Number + 1 });
            io.On("two", async (EventSocket _, string a, int b) =>
            {
                await Task.Yield();
                return $"{a}{b}";
            });
            io.On("three", (EventSocket _, int a, int b, int c, CancellationToken token) => Task.FromResult(token.CanBeCanceled ? a + b + c : 0));
            io.On("void", (EventSocket _, int a, int b) => { });
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"two","args":["a",2],"id":1}""");
        await client.SendAsync("""{"event":"three","args":[1,2,3],"id":2}""");
        await client.SendAsync("""{"event":"void","args":[1,2,"more than it takes"],"id":3}""");

        (await client.AskAsync("none")).GetProperty("data").GetString().Should().Be("none");
        (await client.AskAsync("one", """{"TEXT":"x","number":1}""")).GetProperty("data").GetRawText().Should().Be("""{"text":"x","number":2}""");
        (await client.AckAsync(1)).GetProperty("data").GetString().Should().Be("a2");
        (await client.AckAsync(2)).GetProperty("data").GetInt32().Should().Be(6);
        (await client.AckAsync(3)).GetRawText().Should().Be("""{"ack":3}""");
    }

    [Fact]
    public async Task What_may_be_left_out_may_be_left_out()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("nullable", (EventSocket _, int? n) => n ?? -1);
            io.On("element", (EventSocket _, JsonElement e) => e.ValueKind.ToString());
            io.On("second", (EventSocket _, int a, int? b) => a + (b ?? 100));
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync("nullable")).GetProperty("data").GetInt32().Should().Be(-1);
        (await client.AskAsync("nullable", "null")).GetProperty("data").GetInt32().Should().Be(-1);
        (await client.AskAsync("nullable", "5")).GetProperty("data").GetInt32().Should().Be(5);
        (await client.AskAsync("element")).GetProperty("data").GetString().Should().Be("Undefined");
        (await client.AskAsync("element", "null")).GetProperty("data").GetString().Should().Be("Null");
        (await client.AskAsync("second", "1")).GetProperty("data").GetInt32().Should().Be(101);
    }

    [Fact]
    public async Task OnAny_sees_every_event_before_its_handler_and_those_without_one()
    {
        var seen = new List<string>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnAny((_, packet) => seen.Add($"any {packet.Event} {packet.Arguments}"));
            io.OnConnection(socket => socket.OnAny((_, packet) => seen.Add($"own {packet.Event}")));
            io.On("x", _ => seen.Add("handler"));
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"nothing","args":[1,2]}""");
        await client.AskAsync("x", "3");

        seen.Should().Equal("any nothing [1,2]", "own nothing", "any x 3", "own x", "handler");
    }

    [Fact]
    public async Task Several_handlers_run_in_order_and_the_last_answer_counts()
    {
        var seen = new List<string>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnConnection(socket => socket.On("x", _ => { seen.Add("own"); return "own"; }));
            io.On("x", _ => { seen.Add("first"); return "first"; });
            io.On("x", _ => { seen.Add("second"); });
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync("x")).GetProperty("data").GetString().Should().Be("own");
        seen.Should().Equal("first", "second", "own");
    }

    [Fact]
    public async Task Once_runs_once_and_off_and_dispose_remove()
    {
        var seen = new List<string>();
        Action<EventSocket> named = _ => seen.Add("named");
        EventRegistration? registration = null;
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.Once("once", _ => seen.Add("once"));
            io.On("off", named);
            io.On("off", _ => { seen.Add("other"); });
            registration = io.On("gone", _ => { seen.Add("gone"); });
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.AskAsync("once");
        JsonElement second = await client.AskAsync("once");
        host.Io.Off("off", named);
        await client.AskAsync("off");
        host.Io.Off("off");
        JsonElement off = await client.AskAsync("off");
        registration!.Dispose();
        JsonElement gone = await client.AskAsync("gone");

        seen.Should().Equal("once", "other");
        foreach (JsonElement ack in new[] { second, off, gone })
        {
            ack.GetProperty("error").GetProperty("code").GetString().Should().Be("unknown_event");
        }
    }

    [Fact]
    public async Task A_handler_on_one_socket_is_not_on_another()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient a = await EventClient.ConnectAsync(host);
        await using EventClient b = await EventClient.ConnectAsync(host);
        host.Io.Root.FindSocket(a.Sid)!.On("mine", socket => socket.Id);

        (await a.AskAsync("mine")).GetProperty("data").GetString().Should().Be(a.Sid);
        (await b.AskAsync("mine")).TryGetProperty("error", out _).Should().BeTrue();
    }

    [Fact]
    public async Task Event_middleware_sees_checks_and_answers()
    {
        var seen = new List<string>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.UseEvents(async (context, next) =>
            {
                seen.Add($"before {context.Event} {context.WantsAck}");
                await next();
                seen.Add($"after {context.IsHandled} {context.Reply}");
            });
            io.UseEvents((context, next) => context.Event switch
            {
                "forbidden" => throw new EventException("forbidden", "No."),
                "silent" => Task.CompletedTask,
                _ => next(),
            });
            io.UseEvents(async (context, next) =>
            {
                await next();
                if (context.Event == "other")
                {
                    context.Respond($"not {context.Read<int>()}");
                }
            });
            io.On("x", _ => "x");
            io.On("other", (EventSocket _, int n) => n);
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync("x")).GetProperty("data").GetString().Should().Be("x");
        (await client.AskAsync("forbidden")).GetProperty("error").GetProperty("code").GetString().Should().Be("forbidden");
        (await client.AskAsync("silent")).GetProperty("error").GetProperty("code").GetString().Should().Be("unknown_event");
        (await client.AskAsync("other", "3")).GetProperty("data").GetString().Should().Be("not 3");
        (await client.AskAsync("unknown")).GetProperty("error").GetProperty("code").GetString().Should().Be("unknown_event");
        seen.Should().StartWith(["before x True", "after True \"x\"", "before forbidden True"]);
    }
}
