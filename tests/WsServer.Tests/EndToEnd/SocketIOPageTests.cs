using FluentAssertions;
using Microsoft.Playwright;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>The samples' pages with Socket.IO's client, in a real browser. The script is the npm package's, as the server serves it.</summary>
public class SocketIOPageTests(Browser browser) : IClassFixture<Browser>
{
    private static readonly string ClientDirectory = $"--SocketIO:ClientDirectory={Path.Combine(Requirements.SocketIOClient, "dist")}";

    [SocketIOPageFact]
    public async Task Both_halves_of_the_page_hear_each_other()
    {
        await using Sample sample = await Sample.StartAsync("both-clients", ClientDirectory);
        await using Window window = await browser.OpenAsync(sample.Address);
        await window.ExpectTextAsync("#native p", "Connected as");
        await window.ExpectTextAsync("#socketio p", "Connected as");

        await SubmitAsync(window, "#native input", "from the left");
        foreach (string half in (string[])["#native", "#socketio"])
        {
            await Assertions.Expect(window.Page.Locator($"{half} li")).ToHaveTextAsync(["WebSocket: from the left"]);
        }

        await SubmitAsync(window, "#socketio input", "from the right");
        foreach (string half in (string[])["#native", "#socketio"])
        {
            await Assertions.Expect(window.Page.Locator($"{half} li")).ToHaveTextAsync(["WebSocket: from the left", "Socket.IO: from the right"]);
        }

        window.ExpectNoErrors();
    }

    [SocketIOPageFact]
    public async Task The_chat_with_Socket_IO_speaks_to_the_applications_handlers()
    {
        await using App app = await App.StartAsync(0, ClientDirectory);
        var url = new Uri(app.Address, "/socketio-chat.html");
        await using Window ada = await browser.OpenAsync(url);
        await using Window bob = await browser.OpenAsync(url);
        await using EventClient native = await EventClient.OpenAsync(new UriBuilder(app.Address) { Scheme = "ws" }.Uri);
        await ada.ExpectTextAsync("#state", "Connected to the lobby");
        await bob.ExpectTextAsync("#state", "Connected to the lobby");

        await SubmitAsync(bob, "#message", "too early");
        await bob.ExpectTextAsync("#lobby", "Log in before you chat.");
        await SubmitAsync(ada, "#name", "Ada");
        await SubmitAsync(bob, "#name", "Bob");
        await ada.ExpectTextAsync("#people", "Bob");
        await SubmitAsync(ada, "#message", "hi, all");
        await bob.ExpectTextAsync("#lobby", "Ada: hi, all");
        await ada.ExpectTextAsync("#lobby", "You: hi, all");
        (await native.EventAsync("chat")).GetProperty("data").GetProperty("msg").GetString().Should().Be("hi, all");

        await native.AskAsync("login", """{"name":"Eve","userid":1}""");
        await native.AskAsync("chat", """{"msg":"from a native client"}""");
        await ada.ExpectTextAsync("#lobby", "Eve: from a native client");

        await ada.Page.ClickAsync("#join button");
        await ada.ExpectTextAsync("#room-people", "Ada");
        await bob.Page.ClickAsync("#join button");
        await ada.ExpectTextAsync("#room-log", "Bob joined room:dev");
        await SubmitAsync(bob, "#words", "hi, dev");
        await ada.ExpectTextAsync("#room-log", "Bob: hi, dev");
        await bob.Page.ClickAsync("#leave");
        await ada.ExpectTextAsync("#room-log", "Bob left room:dev");

        ada.ExpectNoErrors();
        bob.ExpectNoErrors();
    }

    private static async Task SubmitAsync(Window window, string field, string text)
    {
        await window.Page.FillAsync(field, text);
        await window.Page.PressAsync(field, "Enter");
    }
}
