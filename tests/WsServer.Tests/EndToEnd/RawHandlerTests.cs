using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

public class RawHandlerTests
{
    [Fact]
    public async Task Arguments_are_relayed_to_everyone_as_they_came()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnRaw("say", (_, arguments) => { io.EmitAsync("said", arguments); }));
        await using EventClient sender = await EventClient.ConnectAsync(host);
        await using EventClient other = await EventClient.ConnectAsync(host);
        List<string> sent = [.. Enumerable.Range(0, 40).Select(n => $$"""{ "n":{{n}}, "text":"{{new string('x', n * 97)}} \u00e9\ud83d\ude00 \"" }""")];

        foreach (string data in sent)
        {
            await sender.SendAsync($$"""{"event":"say","data":{{data}}}""");
        }

        await sender.SendAsync("""{"event":"say","args":[1,[2],"three"]}""");
        await sender.SendAsync("""{"event":"say"}""");
        await sender.AskAsync("say", "\"last\"");
        foreach (EventClient client in new[] { sender, other })
        {
            List<JsonElement> said = await client.EventsSoFarAsync("said");
            said.Take(40).Select(e => e.GetProperty("data").GetRawText()).Should().Equal(sent);
            said[40].GetProperty("args").GetRawText().Should().Be("""[1,[2],"three"]""");
            said[41].GetRawText().Should().Be("""{"event":"said"}""");
            said[42].GetProperty("data").GetString().Should().Be("last");
            said.Should().HaveCount(43);
        }
    }

    [Fact]
    public async Task An_answer_is_the_event_again_or_a_part_of_it_or_something_else()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnRaw("echo", (_, arguments) => arguments);
            io.OnRaw("second", (_, arguments) => arguments[1]);
            io.OnRaw("name", (_, arguments) => arguments.TryGetMember("name"u8, out RawArguments name) ? name : default);
            io.OnRaw("other", (socket, _) => socket.Serializer.Write("other", 2));
            io.OnRaw("none", (_, _) => { });
        });
        await using EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 0; i < 20; i++)
        {
            // At first off the reading thread, then on it.
            (await client.AskAsync("echo", $$"""{"n":[{{i}}]}""")).GetProperty("data").GetRawText().Should().Be($$"""{"n":[{{i}}]}""");
            (await client.AskAsync("name", $$"""{"x":{"name":0},"name":{"n":{{i}}} }""")).GetProperty("data").GetRawText().Should().Be($$"""{"n":{{i}}}""");
            (await client.AskAsync("name", "[]")).TryGetProperty("data", out _).Should().BeFalse();
            (await client.AskAsync("other", "1")).GetProperty("args").GetRawText().Should().Be("""["other",2]""");
            (await client.AskAsync("none", "1")).TryGetProperty("data", out _).Should().BeFalse();
            await client.SendAsync($$"""{"event":"second","args":[1,{"two":{{i}}},3],"id":{{i}}}""");
            (await client.AckAsync(i)).GetProperty("data").GetRawText().Should().Be($$"""{"two":{{i}}}""");
        }
    }

    [Fact]
    public async Task A_part_of_an_object_goes_to_the_room_that_the_object_names()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.On("join", (EventSocket socket, string room) => socket.JoinAsync(room));
            io.OnRaw("say", (_, arguments) =>
            {
                Span<char> buffer = stackalloc char[32];
                if (arguments.TryGetMember("room"u8, out RawArguments room) && room.TryGetString(buffer, out ReadOnlySpan<char> name)
                    && arguments.TryGetMember("what"u8, out RawArguments what))
                {
                    io.To(name).EmitAsync("said", what);
                }
            });
        });
        await using EventClient a = await EventClient.ConnectAsync(host);
        await using EventClient b = await EventClient.ConnectAsync(host);
        await a.AskAsync("join", "\"größe\"");
        await b.AskAsync("join", "\"b\"");

        for (int i = 0; i < 20; i++)
        {
            await b.SendAsync($$"""{"event":"say","data":{"room":"gr\u00f6\u00dfe","what":{"n":{{i}}} } }""");
            await b.SendAsync($$"""{"event":"say","data":{"what":[{{i}}],"room":"b"} }""");
            await b.SendAsync($$"""{"event":"say","data":{"what":[{{i}}],"room":"nobody"} }""");
            await b.SendAsync($$"""{"event":"say","data":{"what":[{{i}}],"room":"{{new string('x', 33)}}"} }""");
            await b.SendAsync($$"""{"event":"say","data":{"what":[{{i}}],"room":"{{a.Sid}}"} }""");
        }

        await b.AskAsync("say", "1");
        (await a.EventsSoFarAsync("said")).Select(e => e.GetProperty("data").GetRawText())
            .Should().Equal(Enumerable.Range(0, 20).SelectMany(i => new[] { $$"""{"n":{{i}}}""", $"[{i}]" }));
        (await b.EventsSoFarAsync("said")).Select(e => e.GetProperty("data").GetRawText()).Should().Equal(Enumerable.Range(0, 20).Select(i => $"[{i}]"));
        host.Log.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Attachments_are_relayed_to_those_with_binary_and_as_base64_to_those_without()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnRaw("say", (_, arguments) =>
        {
            io.EmitAsync("said", arguments);
            return arguments;
        }));
        await using EventClient binary = await EventClient.ConnectAsync(host);
        await using EventClient text = await EventClient.ConnectAsync(host);
        for (byte i = 0; i < 20; i++)
        {
            await binary.SendBinaryAsync($$"""{"event":"say","data":["x",{"_placeholder":true,"num":0}],"id":{{i}},"bin":[2]}""", i, 255);

            Received said = await binary.ReceiveAsync(r => r.Json.TryGetProperty("event", out _), "the event");
            said.Json.GetRawText().Should().Be("""{"event":"said","data":["x",{"_placeholder":true,"num":0}],"bin":[2]}""");
            said.Attachments.Should().Equal(i, 255);
            Received ack = await binary.ReceiveAsync(r => r.Json.TryGetProperty("ack", out _), "the ack");
            ack.Json.GetRawText().Should().Be($$"""{"ack":{{i}},"data":["x",{"_placeholder":true,"num":0}],"bin":[2]}""");
            ack.Attachments.Should().Equal(i, 255);
            JsonElement asText = await text.EventAsync("said");
            asText.GetProperty("data")[1].GetBytesFromBase64().Should().Equal(i, 255);
        }
    }

    [Fact]
    public async Task A_part_takes_along_the_attachments_that_stand_in_it_and_no_others()
    {
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.OnRaw("b", (_, arguments) => arguments.TryGetMember("b"u8, out RawArguments part) ? part : default);
            io.OnRaw("second", (_, arguments) => arguments[1]);
        });
        await using EventClient client = await EventClient.ConnectAsync(host);

        await client.SendBinaryAsync(
            """{"event":"b","data":{"a":{"_placeholder":true,"num":0},"b":[{"_placeholder":true,"num":2},{"_placeholder":true,"num":1}]},"id":1,"bin":[2,3,1]}""", 1, 2, 3, 4, 5, 6);
        await client.SendBinaryAsync("""{"event":"second","args":[{"_placeholder":true,"num":0},{"no":"bytes"}],"id":2,"bin":[2]}""", 1, 2);

        Received both = await client.ReceiveAsync(_ => true, "the ack");
        both.Json.GetRawText().Should().Be("""{"ack":1,"data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}],"bin":[1,3]}""");
        both.Attachments.Should().Equal(6, 3, 4, 5);
        Received none = await client.ReceiveAsync(_ => true, "the ack");
        none.Json.GetRawText().Should().Be("""{"ack":2,"data":{"no":"bytes"}}""");
        none.IsBinary.Should().BeFalse();
    }

    [Fact]
    public async Task What_surrounds_a_raw_handler_does_not_change_what_it_is_given()
    {
        var told = new List<string>();
        await using EventServerHost host = await EventServerHost.StartAsync(io =>
        {
            io.UseEvents((_, next) => next());
            io.OnAny((_, packet) => told.Add($"any {packet.Arguments}"));
            io.OnRaw("e", (_, arguments) => told.Add($"first {arguments.ToString()}"));
            io.OnRaw("e", (_, arguments) => arguments);
            io.OnConnection(socket => { socket.OnRaw("e", (_, arguments) => told.Add($"own {arguments.ToString()}")); });
        });
        await using EventClient client = await EventClient.ConnectAsync(host);
        (await client.AskAsync("e", """{"a":[1]}""")).GetProperty("data").GetRawText().Should().Be("""{"a":[1]}""");
        told.Should().Equal("""any {"a":[1]}""", """first {"a":[1]}""", """own {"a":[1]}""");
    }

    [Fact]
    public async Task A_raw_handler_that_throws_is_answered_as_any_other_and_can_be_taken_off()
    {
        RawHandler fails = (_, _) => throw new EventException("no_luck", "No luck.");
        await using EventServerHost host = await EventServerHost.StartAsync(io => io.OnRaw("e", fails));
        await using EventClient client = await EventClient.ConnectAsync(host);
        for (int i = 0; i < 12; i++)
        {
            (await client.AskAsync("e", "1")).GetProperty("error").GetProperty("code").GetString().Should().Be("no_luck");
        }

        host.Io.Off("e", fails);
        (await client.AskAsync("e", "1")).GetProperty("error").GetProperty("code").GetString().Should().Be("unknown_event");
    }
}
