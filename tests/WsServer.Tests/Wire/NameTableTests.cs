using System.Collections.Concurrent;
using System.Reflection;
using System.Text;
using System.Text.Json;
using FluentAssertions;
using WsServer.Tests.Support;
using WsServer.Wire;
using Xunit;

namespace WsServer.Tests.Wire;

public class NameTableTests
{
    private readonly NameTable _names = new();

    [Fact]
    public void A_name_that_is_known_is_read_without_making_a_string()
    {
        string name = new('n', 20);
        _names.Add(name);
        Read($"\"{name}\"").Should().BeSameAs(name);
        Read($"\"{name}\"").Should().BeSameAs(name);
    }

    [Theory]
    [InlineData("\"\"", "")]
    [InlineData("\"other\"", "other")]
    [InlineData("\"Known\"", "Known")]
    [InlineData("\"kn\\u006fwn\"", "known")]
    [InlineData("\"größe 字 😀\"", "größe 字 😀")]
    [InlineData("\"a\\n\\\"b\\\"\"", "a\n\"b\"")]
    public void A_name_reads_as_it_is_whether_known_or_not(string json, string name)
    {
        _names.Add("known");
        Read(json).Should().Be(name);
        _names.Add(name);
        Read(json).Should().Be(name);
    }

    [Theory]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(10_000)]
    public void A_long_name_reads_as_it_is(int length)
    {
        foreach (char c in "xé字")
        {
            string name = new(c, length);
            Read($"\"{name}\"").Should().Be(name);
            _names.Add(name);
            Read($"\"{name}\"").Should().Be(name);
        }
    }

    [Fact]
    public void A_name_that_is_no_text_throws() =>
        this.Invoking(_ => Read("\"\\ud800\"")).Should().Throw<InvalidOperationException>();

    [Fact]
    public void Reading_adds_nothing()
    {
        _names.Add("known");
        for (int i = 0; i < 100; i++)
        {
            Read($"\"name{i}\"");
        }

        Known(_names).Should().Equal("known");
    }

    [Fact]
    public async Task Clients_cannot_make_it_grow()
    {
        await using var server = new InMemoryServer();
        server.Io.Of(name => name.StartsWith("/room-", StringComparison.Ordinal), ns => ns.On("say", _ => { }));
        server.Io.OnConnection(socket => socket.On($"own-{socket.Id}", _ => { }));
        server.Io.On("known", _ => { });
        server.Io.Of("/there");
        (TransportPair first, _) = await server.ConnectAsync("/room-0");
        await InMemoryServer.EndAsync(first);
        string[] before = Known(server.Io.Runtime.Names);
        before.Should().BeEquivalentTo("/", "known", "/there", "say");

        (TransportPair client, string sid) = await server.ConnectAsync();
        for (int i = 1; i <= 20; i++)
        {
            client.Send($$"""{"connect":"/room-{{i}}"}""");
            client.Send($$"""{"event":"made-up-{{i}}","id":{{i}}}""");
            client.Send($$"""{"event":"say","ns":"/room-{{i}}"}""");
            client.Send($$"""{"event":"say","ns":"/nowhere-{{i}}"}""");
            client.Send($$"""{"connect":"/nowhere-{{i}}"}""");
        }

        client.Send($$"""{"event":"own-{{sid}}","id":"own"}""");
        string text;
        do
        {
            text = await client.ReceiveTextAsync();
        }
        while (!text.StartsWith("""{"ack":"own""", StringComparison.Ordinal));

        server.Io.Namespaces.Count.Should().BeGreaterThan(10, "the dynamic namespaces are there");
        Known(server.Io.Runtime.Names).Should().BeEquivalentTo(before);
        await InMemoryServer.EndAsync(client);
    }

    // Nothing in the library asks for all names.
    private static string[] Known(NameTable names) =>
        [.. ((ConcurrentDictionary<string, string>)typeof(NameTable).GetField("_names", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(names)!).Keys];

    private string Read(string json)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        reader.Read();
        return _names.Read(ref reader);
    }
}
