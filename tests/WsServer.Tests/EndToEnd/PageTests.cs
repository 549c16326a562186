using System.Text.RegularExpressions;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace WsServer.Tests.EndToEnd;

/// <summary>The page in a real browser against the real application.</summary>
public class PageTests(Browser browser) : IClassFixture<Browser>
{
    private static readonly Regex RoundTrip = new(@"✓ \d+\.\d\sms");

    [BrowserFact]
    public async Task Two_windows_log_in_chat_and_see_who_is_there()
    {
        await using App app = await App.StartAsync();
        await using Window ada = await browser.OpenAsync(app);
        await ada.LogInAsync("Ada");
        await ada.ExpectPeopleAsync("Ada (you)");
        await using (Window bob = await browser.OpenAsync(app))
        {
            await bob.ExpectPeopleAsync("Ada");
            await bob.LogInAsync("Bob");
            await ada.ExpectLogAsync("Bob logged in");
            await ExpectTwoAsync(ada, "Ada (you)", "Bob");
            await ExpectTwoAsync(bob, "Ada", "Bob (you)");

            await ada.SayAsync("Hello, Bob!");
            await bob.ExpectMessageAsync("Ada", "Hello, Bob!");
            await Expect(ada.Log.Locator(".msg.mine .rtt")).ToHaveTextAsync(RoundTrip);
            await bob.SayAsync("Hello, Ada!");
            await ada.ExpectMessageAsync("Bob", "Hello, Ada!");
            await Expect(ada.Log.Locator(".msg")).ToHaveCountAsync(2);
            bob.ExpectNoErrors();
        }

        await ada.ExpectLogAsync("Bob left");
        await Expect(ada.People).ToHaveCountAsync(1);
        ada.ExpectNoErrors();
    }

    [BrowserFact]
    public async Task Chatting_before_the_login_is_refused_and_says_so()
    {
        await using Window window = await browser.OpenAsync();
        await window.SayAsync("Too early");
        await window.ExpectTextAsync("#toast", "Log in before you chat. (unauthorized)");
        await Expect(window.Log.Locator(".msg.failed .rtt")).ToContainTextAsync("✗");
        window.ExpectNoErrors();
    }

    [BrowserFact]
    public async Task Rooms_are_joined_talked_in_and_left()
    {
        await using Window ada = await browser.OpenAsync();
        await using Window bob = await browser.OpenAsync();
        foreach ((Window window, string name) in new[] { (ada, "Ada"), (bob, "Bob") })
        {
            await window.Page.ClickAsync("#ns-chat");
            await window.ExpectConnectedAsync("/chat");
            await window.Page.FillAsync("#name", name);
            await window.Page.FillAsync("#room", "music");
            await window.Page.ClickAsync("#join");
            await window.ExpectLogAsync("join-room music: success, ack after");
        }

        await ada.ExpectLogAsync("Bob came into room:music");
        await ExpectTwoAsync(ada, "Ada (you)", "Bob");
        await ada.SayAsync("What shall we play?");
        await bob.ExpectMessageAsync("Ada", "What shall we play?");
        await Expect(ada.Log.Locator(".msg.mine .rtt")).ToHaveTextAsync(RoundTrip);

        await ada.Page.FillAsync("#room", "cooking");
        await ada.Page.ClickAsync("#join");
        await ada.ExpectTextAsync("#toast", "The room doesn't exist");

        await bob.Page.ClickAsync("#leave");
        await bob.ExpectLogAsync("leave-room music: success");
        await ada.ExpectLogAsync("Bob left room:music");
        await bob.SayAsync("Still here?");
        await bob.ExpectTextAsync("#toast", "Join the room before you talk in it. (not_in_room)");

        await ada.Page.ClickAsync("#ns-root");
        await ada.ExpectConnectedAsync("/");
        await Expect(ada.Page.Locator("#rooms")).ToBeHiddenAsync();
        ada.ExpectNoErrors();
        bob.ExpectNoErrors();
    }

    [BrowserFact]
    public async Task The_raw_pane_sends_what_is_typed_and_shows_each_envelope()
    {
        await using Window window = await browser.OpenAsync();
        await Expect(window.Received.First).ToContainTextAsync("""{"connected":"/","sid":""");

        await window.SendRawAsync("""{"ping":"are you there?"}""");
        await Expect(window.Sent).ToContainTextAsync("""{"ping":"are you there?"}""");
        await Expect(window.Received.Last).ToContainTextAsync("""{"pong":"are you there?"}""");
        await Expect(window.Page.Locator("#raw-input")).ToHaveValueAsync("");

        await window.SendRawAsync("{not json");
        await Expect(window.Received.Last).ToContainTextAsync("invalid_json");
        await window.ExpectTextAsync("#toast", "(invalid_json)");

        await window.Page.Locator("#presets button", new() { HasTextString = "nonsense" }).ClickAsync();
        await Expect(window.Page.Locator("#raw-input")).ToHaveValueAsync("""{"event":"nonsense","id":"b"}""");
        await window.Page.PressAsync("#raw-input", "Enter");
        await Expect(window.Received.Last).ToContainTextAsync("unknown_event");
        window.ExpectNoErrors();
    }

    [BrowserFact]
    public async Task Text_from_others_is_never_html()
    {
        const string Markup = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script><b>bold</b>";
        await using App app = await App.StartAsync();
        await using Window victim = await browser.OpenAsync(app);
        await using Window other = await browser.OpenAsync(app);
        const string Name = "<img src=x onerror=hacked=1>";
        await other.LogInAsync(Name);
        await other.SayAsync(Markup);
        await victim.ExpectMessageAsync(Name, Markup);
        await victim.ExpectPeopleAsync(Name);

        await other.SendRawAsync($$"""{"event":"broadcast","data":{{System.Text.Json.JsonSerializer.Serialize(Markup)}}}""");
        await victim.ExpectLogAsync($"event response: {Markup}");
        await Expect(victim.Received.Last).ToContainTextAsync("onerror");

        foreach (string place in new[] { "#log", "#people", "#raw-log" })
        {
            (await victim.Page.Locator($"{place} :is(img, script)").CountAsync()).Should().Be(0, place);
        }

        (await victim.Page.Locator("#log b", new() { HasTextString = "bold" }).Filter(new() { HasNotText = "img" }).CountAsync()).Should().Be(0);
        (await victim.Page.EvaluateAsync<bool>("'hacked' in window")).Should().BeFalse();
        victim.ExpectNoErrors();
        other.ExpectNoErrors();
    }

    [BrowserFact]
    public async Task The_page_comes_back_by_itself_when_the_server_does()
    {
        App app = await App.StartAsync();
        await using Window window = await browser.OpenAsync(app);
        await window.LogInAsync("Ada");
        await app.StopAsync();
        await app.DisposeAsync();
        await window.ExpectTextAsync("#state-text", "reconnecting");
        await Expect(window.Page.Locator("#connect")).ToHaveTextAsync("Retry now");
        await Expect(window.Received.Filter(new() { HasText = "shutting_down" })).ToHaveCountAsync(1);

        await using App again = await App.StartAsync(app.Address.Port);
        await window.ExpectConnectedAsync("/");
        await window.ExpectPeopleAsync("Ada (you)");
        await Expect(window.Page.Locator("#connect")).ToBeHiddenAsync();
        await window.SayAsync("I am back");
        await Expect(window.Log.Locator(".msg.mine .rtt")).ToHaveTextAsync(RoundTrip);
    }

    [BrowserFact]
    public async Task A_forced_disconnect_stays_until_the_person_connects_again()
    {
        await using Window window = await browser.OpenAsync();
        await window.SendRawAsync("""{"event":"forceDisconnect"}""");
        await window.ExpectTextAsync("#state-text", "Disconnected by the server");
        await Expect(window.Received.Last).ToContainTextAsync("""{"disconnect":"/","reason":"server namespace disconnect"}""");
        await Expect(window.Page.Locator("#connect")).ToHaveTextAsync("Connect");

        await window.Page.ClickAsync("#connect");
        await window.ExpectConnectedAsync("/");
        await Expect(window.Page.Locator("#connect")).ToBeHiddenAsync();
        window.ExpectNoErrors();
    }

    [BrowserFact]
    public async Task Everything_can_be_done_with_the_keyboard()
    {
        await using Window window = await browser.OpenAsync();
        await TabToAsync(window, "name");
        await window.Page.Keyboard.TypeAsync("Ada");
        await window.Page.Keyboard.PressAsync("Enter");
        await window.ExpectTextAsync("#login-hint", "Logged in as Ada, ack after");

        await TabToAsync(window, "message");
        await window.Page.Keyboard.TypeAsync("Typed, not clicked");
        await window.Page.Keyboard.PressAsync("Enter");
        await Expect(window.Log.Locator(".msg.mine .rtt")).ToHaveTextAsync(RoundTrip);

        await TabToAsync(window, "raw-input");
        await window.Page.Keyboard.TypeAsync("""{"ping":7}""");
        await window.Page.Keyboard.PressAsync("Enter");
        await Expect(window.Received.Last).ToContainTextAsync("""{"pong":7}""");

        await TabToAsync(window, "ns-chat");
        await window.Page.Keyboard.PressAsync("Enter");
        await window.ExpectConnectedAsync("/chat");
        await TabToAsync(window, "room");
        await window.Page.Keyboard.PressAsync("Enter");
        await window.ExpectLogAsync("join-room dev: success, ack after");
        await TabToAsync(window, "leave");
        await window.Page.Keyboard.PressAsync("Space");
        await window.ExpectLogAsync("leave-room dev: success");
        window.ExpectNoErrors();
    }

    [BrowserFact]
    public async Task On_a_phone_nothing_is_wider_than_the_screen()
    {
        await using Window window = await browser.OpenAsync(size: new() { Width = 360, Height = 740 });
        await window.LogInAsync("Somebody with quite a long name");
        await window.SayAsync(new string('w', 300));
        await window.Page.ClickAsync("#ns-chat");
        await window.ExpectConnectedAsync("/chat");
        (await window.Page.EvaluateAsync<int>("document.documentElement.scrollWidth")).Should().Be(360);
        window.ExpectNoErrors();
    }

    private static async Task ExpectTwoAsync(Window window, string first, string second)
    {
        // In whichever order the server gives them.
        await Expect(window.People).ToHaveCountAsync(2);
        await Expect(window.People.Filter(new() { HasText = first })).ToHaveCountAsync(1);
        await Expect(window.People.Filter(new() { HasText = second })).ToHaveCountAsync(1);
    }

    private static async Task TabToAsync(Window window, string id)
    {
        for (int presses = 0; presses < 60; presses++)
        {
            if (await window.Page.EvaluateAsync<string?>("document.activeElement?.id") == id)
            {
                return;
            }

            await window.Page.Keyboard.PressAsync("Tab");
        }

        throw new InvalidOperationException($"60 presses of Tab did not reach #{id}.");
    }
}
