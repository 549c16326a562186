using System.Collections.Concurrent;
using FluentAssertions;
using Microsoft.Playwright;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>One browser and one server for a class of tests. Started by the first test that runs, so never when all are skipped.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private App? _app;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.CloseAsync();
        }

        _playwright?.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    /// <summary>Opens the page in a window of its own, which shares nothing with the others.</summary>
    /// <param name="server">The server; the one of the class by default.</param>
    /// <param name="size">The size of the window.</param>
    internal async Task<Window> OpenAsync(App? server = null, ViewportSize? size = null)
    {
        server ??= _app ??= await App.StartAsync();
        Window window = await OpenAsync(server.Address, size);
        await window.ExpectConnectedAsync("/");
        return window;
    }

    /// <summary>Opens any page in a window of its own.</summary>
    internal async Task<Window> OpenAsync(Uri url, ViewportSize? size = null)
    {
        await StartAsync();
        IBrowserContext context = await _browser!.NewContextAsync(new() { ViewportSize = size ?? new() { Width = 1280, Height = 800 } });
        context.SetDefaultTimeout((float)RunningProcess.Patience.TotalMilliseconds);
        var window = new Window(await context.NewPageAsync());
        await window.Page.GotoAsync(url.ToString());
        return window;
    }

    private async Task StartAsync()
    {
        Assertions.SetDefaultExpectTimeout((float)RunningProcess.Patience.TotalMilliseconds);
        _playwright ??= await Playwright.CreateAsync();
        _browser ??= await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Requirements.Browser ?? throw new InvalidOperationException("No Chromium or Chrome was found."),
            Args = Arguments,
        });
    }
}

/// <summary>A window with the page, and what a person does and sees there.</summary>
internal sealed class Window : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _errors = new();

    public Window(IPage page)
    {
        Page = page;
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _errors.Enqueue(message.Text);
            }
        };
    }

    public IPage Page { get; }

    public ILocator People => Page.Locator("#people li");

    public ILocator Log => Page.Locator("#log");

    public ILocator Sent => Page.Locator("#raw-log .out");

    public ILocator Received => Page.Locator("#raw-log .in");

    public async Task LogInAsync(string name)
    {
        await Page.FillAsync("#name", name);
        await Page.ClickAsync("#login");
        await ExpectTextAsync("#login-hint", $"Logged in as {name}, ack after");
    }

    public async Task SayAsync(string text)
    {
        await Page.FillAsync("#message", text);
        await Page.ClickAsync("#send");
    }

    public async Task SendRawAsync(string text)
    {
        await Page.FillAsync("#raw-input", text);
        await Page.ClickAsync("#raw-send");
    }

    public Task ExpectTextAsync(string selector, string text) => Assertions.Expect(Page.Locator(selector)).ToContainTextAsync(text);

    public Task ExpectConnectedAsync(string ns) => Assertions.Expect(Page.Locator("#state-text")).ToHaveTextAsync($"Connected to {ns}");

    public Task ExpectLogAsync(string text) => Assertions.Expect(Log).ToContainTextAsync(text);

    /// <summary>A message in the log by somebody, as one bubble.</summary>
    public Task ExpectMessageAsync(string from, string text) =>
        Assertions.Expect(Log.Locator(".msg", new() { HasText = from }).Filter(new() { HasText = text })).ToHaveCountAsync(1);

    public Task ExpectPeopleAsync(params string[] names) => Assertions.Expect(People).ToContainTextAsync(names);

    public void ExpectNoErrors() => _errors.Should().BeEmpty("the page logs no error");

    public async ValueTask DisposeAsync() => await Page.Context.CloseAsync();
}
