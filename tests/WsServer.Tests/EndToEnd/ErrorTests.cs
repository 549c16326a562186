using System.Text.Json;
using System.Text.Json.Nodes;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class ErrorTests
{
    internal sealed record Person(string Name, int Age, Person? Friend = null);

    [Theory]
    [InlineData("", "invalid_json")]
    [InlineData("hello", "invalid_json")]
    [InlineData("{", "invalid_json")]
    [InlineData("""{"event":"x"} {}""", "invalid_json")]
    [InlineData("""{"event":"\ud800"}""", "invalid_json")]
    [InlineData("null", "invalid_envelope")]
    [InlineData("[]", "invalid_envelope")]
    [InlineData("{}", "invalid_envelope")]
    [InlineData("""{"data":1}""", "invalid_envelope")]
    [InlineData("""{"event":""}""", "invalid_envelope")]
    [InlineData("""{"event":1}""", "invalid_envelope")]
    [InlineData("""{"event":"x","event":"y"}""", "invalid_envelope")]
    [InlineData("""{"event":"x","ping":1}""", "invalid_envelope")]
    [InlineData("""{"event":"x","data":1,"args":[2]}""", "invalid_envelope")]
    [InlineData("""{"event":"x","data":1,"data":1}""", "invalid_envelope")]
    [InlineData("""{"event":"x","args":1}""", "invalid_envelope")]
    [InlineData("""{"event":"x","ns":"news"}""", "invalid_envelope")]
    [InlineData("""{"event":"x","bin":[]}""", "invalid_envelope")]
    [InlineData("""{"connected":"/"}""", "invalid_envelope")]
    [InlineData("""{"connect_error":"/"}""", "invalid_envelope")]
    [InlineData("""{"error":{"code":"x","message":"y"}}""", "invalid_envelope")]
    [InlineData("""{"connect":"news"}""", "invalid_envelope")]
    [InlineData("""{"disconnect":1}""", "invalid_envelope")]
    [InlineData("""{"ack":null}""", "invalid_envelope")]
    [InlineData("""{"ack":1,"data":1,"error":{"code":"x","message":"y"}}""", "invalid_envelope")]
    public async Task A_text_that_is_no_envelope_is_an_error_and_the_connection_lives(string text, string code)
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync(text);

        JsonElement error = await client.ErrorAsync(code);
        error.GetProperty("message").GetString().Should().NotBeEmpty();
        await client.SyncAsync();
        client.Waiting.Should().BeEmpty();
    }

    [Fact]
    public async Task An_error_that_can_be_tied_to_an_id_is_the_ack()
    {
        await using EventServerHost host = await EventServerHost.StartAsync();
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"x","data":1,"args":[2],"id":"a"}""");

        JsonElement ack = await client.NextAsync();
        ack.GetProperty("ack").GetString().Should().Be("a");
        ack.GetProperty("error").GetProperty("code").GetString().Should().Be("invalid_envelope");
    }

    [Fact]
    public async Task Members_that_nobody_knows_are_ignored()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("x", (EventSocket _, int n) => n));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"future":{"event":"y"},"event":"x","data":1,"future":2,"id":1}""");

        (await client.NextAsync()).GetRawText().Should().Be("""{"ack":1,"data":1}""");
    }

    [Theory]
    [InlineData("""{"name":"a","age":"old"}""", "$.age")]
    [InlineData("""{"name":"a","age":1,"friend":{"name":"b","age":[]}}""", "$.friend.age")]
    [InlineData("\"text\"", "$")]
    [InlineData("null", "$")]
    [InlineData(null, "$")]
    public async Task Data_that_does_not_fit_is_invalid_data_with_a_path(string? data, string path)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("person", (EventSocket _, Person p) => p.Name));
        await using EventClient client = await EventClient.ConnectAsync(host);

        JsonElement error = (await client.AskAsync("person", data)).GetProperty("error");

        error.GetProperty("code").GetString().Should().Be("invalid_data");
        error.GetProperty("path").GetString().Should().Be(path);
        host.Log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData("""[1,"x"]""", "$[1]")]
    [InlineData("""[{},2]""", "$[0]")]
    [InlineData("[1]", "$[1]")]
    public async Task With_several_arguments_the_path_says_which(string args, string path)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("sum", (EventSocket _, int a, int b) => a + b));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync($$"""{"event":"sum","args":{{args}},"id":1}""");

        (await client.AckAsync(1)).GetProperty("error").GetProperty("path").GetString().Should().Be(path);
    }

    [Fact]
    public async Task Invalid_data_without_an_id_is_a_bare_error_that_names_the_event()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("person", (EventSocket _, Person _) => { }));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync("""{"event":"person","data":1}""");

        (await client.ErrorAsync("invalid_data")).GetProperty("event").GetString().Should().Be("person");
    }

    [Fact]
    public async Task An_exception_is_logged_once_with_event_and_sid_and_answered_without_detail()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("throws", _ => throw new InvalidOperationException("secret"));
            io.On("later", async _ =>
            {
                await Task.Yield();
                throw new InvalidOperationException("secret");
            });
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        JsonElement ack = await client.AskAsync("throws");
        await client.AskAsync("later");

        ack.GetProperty("error").GetRawText().Should().Be("""{"code":"internal_error","message":"The server failed."}""");
        host.Log.Errors.Should().HaveCount(2);
        LogEntry first = host.Log.Errors.First();
        first.Message.Should().Contain("throws").And.Contain(client.Sid);
        first.Exception!.Message.Should().Be("secret");
        await client.SyncAsync();
    }

    [Fact]
    public async Task In_Development_the_client_sees_what_went_wrong()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("throws", _ => throw new InvalidOperationException("a reason")), environment: "Development");
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync("throws")).GetProperty("error").GetProperty("detail").GetString().Should().Contain("a reason");
    }

    [Fact]
    public async Task An_event_exception_answers_as_it_says_and_is_not_logged()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On(
            "join", _ => throw new EventException("room_full", "No place left.", new JsonObject { ["limit"] = 2, ["rooms"] = new JsonArray("a") })));
        await using EventClient client = await EventClient.ConnectAsync(host);

        JsonElement ack = await client.AskAsync("join");
        await client.SendAsync("""{"event":"join"}""");

        ack.GetProperty("error").GetRawText().Should().Be("""{"code":"room_full","message":"No place left.","limit":2,"rooms":["a"]}""");
        (await client.ErrorAsync("room_full")).GetProperty("event").GetString().Should().Be("join");
        host.Log.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task An_error_that_cannot_be_written_does_not_stop_the_socket()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("nan", _ => throw new EventException("bad", "Not a number.", new JsonObject { ["value"] = double.NaN }));
            io.On("surrogate", _ => throw new EventException("bad", "\ud83d"));
            io.On("result", _ => double.NaN);
            io.On("x", _ => "x");
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        JsonElement nan = await client.AskAsync("nan");
        await client.AskAsync("surrogate");
        JsonElement result = await client.AskAsync("result");

        nan.GetProperty("error").GetProperty("code").GetString().Should().Be("bad");
        result.GetProperty("error").GetProperty("code").GetString().Should().Be("internal_error");
        (await client.AskAsync("x")).GetProperty("data").GetString().Should().Be("x");
        host.Log.Errors.Should().Contain(e => e.Message.Contains("error bad"));
        await client.CloseAsync();
        await Within.UntilAsync(() => host.Io.ConnectionCount == 0, "the connection is gone");
    }

    [Fact]
    public async Task When_the_error_budget_is_spent_the_connection_is_closed_with_1008()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.ErrorBudget = 3);
        await using EventClient client = await EventClient.ConnectAsync(host);

        // More than the budget and all that it could regain meanwhile.
        for (int i = 0; i < 50; i++)
        {
            await client.TrySendAsync("nonsense");
        }

        (await client.ErrorAsync("too_many_errors")).GetProperty("message").GetString().Should().NotBeEmpty();
        (await client.ClosedAsync()).Should().Be(1008);
        client.Waiting.Should().HaveCountGreaterThanOrEqualTo(3).And.OnlyContain(
            r => r.Json.GetProperty("error").GetProperty("code").GetString() == "invalid_json");
    }

    [Fact]
    public async Task Errors_of_handlers_spend_the_budget_too()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("no", _ => throw new EventException("no", "No.")), o => o.ErrorBudget = 3);
        await using EventClient client = await EventClient.ConnectAsync(host);

        for (int i = 0; i < 50; i++)
        {
            await client.TrySendAsync($$"""{"event":"no","id":{{i}}}""");
        }

        await client.ErrorAsync("too_many_errors");
        (await client.ClosedAsync()).Should().Be(1008);
    }

    [Fact]
    public async Task A_message_at_the_limit_passes_and_one_byte_more_is_too_large()
    {
        const int Limit = 100_000;
        await using EventServerHost host = await EventServerHost.StartAsync(
            io => io.On("x", (EventSocket _, string text) => text.Length), o => o.MaxMessageBytes = Limit);
        await using EventClient client = await EventClient.ConnectAsync(host);
        const string Frame = """{"event":"x","id":1,"data":""}""";

        await client.SendAsync(Frame.Replace("\"\"", $"\"{new string('a', Limit - Frame.Length)}\""));
        (await client.AckAsync(1)).GetProperty("data").GetInt32().Should().Be(Limit - Frame.Length);
        await client.SendAsync(Frame.Replace("\"\"", $"\"{new string('a', Limit - Frame.Length + 1)}\""));

        (await client.NextAsync()).GetProperty("error").GetProperty("limit").GetInt32().Should().Be(Limit);
        (await client.ClosedAsync()).Should().Be(1009);
    }

    [Fact]
    public async Task A_message_that_is_far_too_large_is_refused_before_its_end()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(options: o => o.MaxMessageBytes = 1_000);
        using RawWebSocket raw = await RawWebSocket.ConnectAsync(host);

        await raw.SendAsync(RawFrame.Text, new byte[2_000], isFinal: false);

        (await raw.ReadAsync()).Json.GetProperty("error").GetProperty("code").GetString().Should().Be("too_large");
        (await raw.ReadAsync()).CloseStatus.Should().Be(1009);
        await raw.SendAsync(RawFrame.Continuation, new byte[2_000]);
        await raw.SendCloseAsync(1009);
        (await raw.ReadToEndAsync()).Should().BeEmpty();
    }

    [Theory]
    [InlineData("{\"event\":\"x\",\"id\":1,\"data\":", "}", 63, null)]
    [InlineData("{\"event\":\"x\",\"id\":1,\"data\":", "}", 64, "invalid_envelope")]
    [InlineData("{\"event\":\"x\",\"id\":1,\"data\":", "}", 100_000, "invalid_envelope")]
    public async Task Json_may_nest_to_the_limit_and_no_deeper(string before, string after, int depth, string? code)
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("x", (_, _) => { }));
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendAsync(before + new string('[', depth) + new string(']', depth) + after);

        JsonElement ack = await client.AckAsync(1);
        (ack.TryGetProperty("error", out JsonElement error) ? error.GetProperty("code").GetString() : null).Should().Be(code);
    }

    [Fact]
    public async Task An_event_name_over_the_limit_is_an_invalid_envelope()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.On("abcde", _ => "ok"), o => o.MaxEventNameLength = 5);
        await using EventClient client = await EventClient.ConnectAsync(host);

        (await client.AskAsync("abcde")).GetProperty("data").GetString().Should().Be("ok");
        JsonElement error = (await client.AskAsync("abcdef")).GetProperty("error");

        error.GetProperty("code").GetString().Should().Be("invalid_envelope");
        error.GetProperty("limit").GetInt32().Should().Be(5);
        error.GetProperty("actual").GetInt32().Should().Be(6);
    }
}
