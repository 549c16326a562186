using System.Net;
using System.Net.Http.Headers;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO;

/// <summary>The client's script, from a folder like that of the npm package.</summary>
public sealed class ClientFilesTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("wsserver-");

    public void Dispose() => _root.Delete(recursive: true);

    [Theory]
    [InlineData("socket.io.js", "text/javascript")]
    [InlineData("socket.io.js.map", "application/json")]
    [InlineData("socket.io.min.js", "text/javascript")]
    [InlineData("socket.io.min.js.map", "application/json")]
    [InlineData("socket.io.esm.min.js", "text/javascript")]
    [InlineData("socket.io.esm.min.js.map", "application/json")]
    public async Task A_script_is_served_and_not_sent_again_while_it_is_the_same(string name, string type)
    {
        string file = WriteFile(name, $"// {name}");
        await using EventServerHost host = await StartAsync("dist");
        using var http = new HttpClient { BaseAddress = host.Http };

        using HttpResponseMessage first = await http.GetAsync(Url(name));
        first.StatusCode.Should().Be(HttpStatusCode.OK);
        (await first.Content.ReadAsStringAsync()).Should().Be($"// {name}");
        first.Content.Headers.ContentType!.MediaType.Should().Be(type);
        first.Content.Headers.ContentType.CharSet.Should().Be("utf-8");
        first.Content.Headers.LastModified.Should().NotBeNull();
        first.Headers.CacheControl!.Should().Be(new CacheControlHeaderValue { Public = true, MaxAge = TimeSpan.Zero });
        first.Headers.GetValues("Access-Control-Allow-Origin").Should().Equal("*");

        using HttpResponseMessage again = await AskAsync(http, HttpMethod.Get, name, first.Headers.ETag);
        again.StatusCode.Should().Be(HttpStatusCode.NotModified);
        again.Headers.ETag.Should().Be(first.Headers.ETag);
        (await again.Content.ReadAsByteArrayAsync()).Should().BeEmpty();

        await File.WriteAllTextAsync(file, $"// {name}, the next version");
        using HttpResponseMessage changed = await AskAsync(http, HttpMethod.Get, name, first.Headers.ETag);
        changed.StatusCode.Should().Be(HttpStatusCode.OK);
        (await changed.Content.ReadAsStringAsync()).Should().EndWith("the next version");
    }

    [Fact]
    public async Task A_head_tells_of_the_script_without_it()
    {
        WriteFile("socket.io.js", "12345");
        await using EventServerHost host = await StartAsync("dist");
        using var http = new HttpClient { BaseAddress = host.Http };

        using HttpResponseMessage response = await AskAsync(http, HttpMethod.Head, "socket.io.js");

        response.StatusCode.Should().Be(HttpStatusCode.OK);
        response.Content.Headers.ContentLength.Should().Be(5);
        (await response.Content.ReadAsByteArrayAsync()).Should().BeEmpty();
    }

    [Theory]
    [InlineData("secret.js")]
    [InlineData("socket.io.msgpack.min.js")]
    [InlineData("../secret.txt")]
    [InlineData("%2e%2e/secret.txt")]
    [InlineData("..%2fsecret.txt")]
    [InlineData("socket.io.js/../../secret.txt")]
    public async Task Nothing_else_is_served(string name)
    {
        WriteFile("socket.io.js", "");
        WriteFile("secret.js", "secret");
        WriteFile("socket.io.msgpack.min.js", "secret");
        WriteFile("../secret.txt", "secret");
        await using EventServerHost host = await StartAsync("dist");
        using RawHttp http = await RawHttp.ConnectAsync(host.Http);

        // By hand: an HttpClient would take the dots out of the path itself.
        RawResponse answer = await http.GetAsync($"/socket.io/{name}");

        answer.Status.Should().Be(404);
        answer.Text.Should().NotContain("secret");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("nowhere")]
    public async Task Without_the_package_the_answer_says_how_to_get_it(string? directory)
    {
        await using EventServerHost host = await StartAsync(directory);
        using var http = new HttpClient { BaseAddress = host.Http };

        using HttpResponseMessage response = await http.GetAsync(Url("socket.io.js"));

        response.StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await response.Content.ReadAsStringAsync()).Should().Contain("npm install socket.io-client").And.Contain("ClientDirectory");
    }

    [Fact]
    public async Task The_folder_can_be_configured_and_the_program_has_the_last_word()
    {
        WriteFile("socket.io.js", "1");
        WriteFile("../other/socket.io.js", "2");
        await using EventServerHost configured = await StartAsync(directory: null, section: "dist");
        await using EventServerHost both = await StartAsync("other", section: "dist");
        using var http = new HttpClient();

        (await http.GetStringAsync(new Uri(configured.Http, "/socket.io/socket.io.js"))).Should().Be("1");
        (await http.GetStringAsync(new Uri(both.Http, "/socket.io/socket.io.js"))).Should().Be("2");
    }

    [Fact]
    public async Task The_endpoint_beside_it_is_not_disturbed()
    {
        WriteFile("socket.io.js", "");
        await using EventServerHost host = await StartAsync("dist");
        using var http = new HttpClient { BaseAddress = host.Http };

        (await http.GetStringAsync(new Uri("/socket.io/?EIO=4&transport=polling", UriKind.Relative))).Should().StartWith("0{\"sid\":");
        using HttpResponseMessage posted = await http.PostAsync(Url("socket.io.js"), null);
        posted.IsSuccessStatusCode.Should().BeFalse();
    }

    private static Uri Url(string name) => new($"/socket.io/{name}", UriKind.Relative);

    private static Task<HttpResponseMessage> AskAsync(HttpClient http, HttpMethod method, string name, EntityTagHeaderValue? known = null)
    {
        var request = new HttpRequestMessage(method, Url(name));
        if (known is not null)
        {
            request.Headers.IfNoneMatch.Add(known);
        }

        return http.SendAsync(request);
    }

    private string WriteFile(string name, string text)
    {
        string path = Path.GetFullPath(Path.Combine(_root.FullName, "dist", name));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    private Task<EventServerHost> StartAsync(string? directory, string? section = null) => EventServerHost.StartAsync(
        services: builder => builder.Configuration["SocketIO:ClientDirectory"] = section,
        endpoints: app =>
        {
            app.Services.GetRequiredService<IHostEnvironment>().ContentRootPath = _root.FullName;
            app.MapSocketIO(configure: o => o.ClientDirectory = directory ?? o.ClientDirectory);
        });
}
