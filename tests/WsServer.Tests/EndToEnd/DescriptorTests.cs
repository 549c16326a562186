using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using FluentAssertions;
using WsServer.Diagnostics;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>A process that may open few files.</summary>
public class DescriptorTests
{
    private const int Limit = 400;

    [Theory]
    [InlineData(null, 0, 100_000, 100_000)]
    [InlineData(1_000_000, 200, 100_000, 100_000)]
    [InlineData(20_000, 200, 100_000, 19_672)]
    [InlineData(20_000, 200, 19_672, 19_672)]
    [InlineData(20_000, 200, 19_671, 19_671)]
    [InlineData(200, 199, 100_000, 1)]
    public void There_are_places_for_as_many_connections_as_files_less_those_that_are_open_and_some_for_everything_else(int? files, int open, int wanted, int places) =>
        new DescriptorLimit(files, open).ConnectionsFor(wanted).Should().Be(places);

    [Theory]
    [InlineData("Max open files            1024                 524288               files     ", 1024)]
    [InlineData("Max open files            unlimited            unlimited            files     ", null)]
    [InlineData("Max open sockets          1024                 524288               files     ", null)]
    [InlineData("Max open files            99999999999          99999999999          files     ", int.MaxValue)]
    public void The_soft_limit_is_read(string line, int? limit) => DescriptorLimit.Parse(["Limit  Soft Limit  Hard Limit  Units", line]).Should().Be(limit);

    [LinuxFact]
    public async Task More_connections_than_descriptors_are_refused_and_those_that_are_there_go_on()
    {
        await using RunningProcess process = RunningProcess.Start(
            "/bin/sh", ["-c", $"ulimit -n {Limit}; exec dotnet exec '{App.Program}' --urls http://127.0.0.1:0"]);
        Uri address = await process.WaitForAddressAsync();
        (await PlacesAsync(process)).Should().BeInRange(1, Limit - 200);
        var url = new Uri($"ws://{address.Authority}/");
        await using EventClient bystander = await EventClient.OpenAsync(url);
        await bystander.WelcomedAsync();

        var sockets = new List<TcpClient>();
        try
        {
            // Connections that say nothing take descriptors without asking the event server for a place: more than there are.
            for (int i = 0; i < Limit + 50; i++)
            {
                var socket = new TcpClient();
                sockets.Add(socket);
                await socket.ConnectAsync(address.Host, address.Port);
            }

            (await bystander.AskAsync("messageAndAck", "1")).GetProperty("data").GetProperty("ok").GetBoolean().Should().BeTrue();
        }
        finally
        {
            sockets.ForEach(s => s.Dispose());
        }

        await using EventClient later = await EventClient.OpenAsync(url);
        await later.WelcomedAsync();
        (await later.AskAsync("messageAndAck", "1")).GetProperty("data").GetProperty("ok").GetBoolean().Should().BeTrue();
        (await process.StopAsync()).Should().Be(0);
    }

    [LinuxFact]
    public async Task One_client_more_than_there_are_places_for_is_refused_with_a_sentence()
    {
        await using RunningProcess process = RunningProcess.Start(
            "/bin/sh", ["-c", $"ulimit -n {Limit}; exec dotnet exec '{App.Program}' --urls http://127.0.0.1:0"]);
        Uri address = await process.WaitForAddressAsync();
        var url = new Uri($"ws://{address.Authority}/");
        var clients = new List<EventClient>();
        int places = await PlacesAsync(process);
        for (int i = 0; i < places; i++)
        {
            clients.Add(await EventClient.OpenAsync(url));
            await clients[^1].WelcomedAsync();
        }

        Func<Task> one = () => EventClient.OpenAsync(url);
        (await one.Should().ThrowAsync<System.Net.WebSockets.WebSocketException>()).Which.Message.Should().Contain("503");
        await clients[0].CloseAsync();
        await Within.UntilAsync(() => CanOpen(url), "there is a place again");
        foreach (EventClient client in clients)
        {
            await client.DisposeAsync();
        }
    }

    private static async Task<int> PlacesAsync(RunningProcess process) => int.Parse(
        (await process.WaitForLineAsync(new Regex($@"The process may open {Limit} files \(ulimit -n\), so there are places for (\d+) connections"))).Groups[1].Value,
        CultureInfo.InvariantCulture);

    private static bool CanOpen(Uri url)
    {
        Task<EventClient> opening = EventClient.OpenAsync(url);
        return opening.ContinueWith(o => o.IsCompletedSuccessfully, TaskScheduler.Default).GetAwaiter().GetResult();
    }
}
