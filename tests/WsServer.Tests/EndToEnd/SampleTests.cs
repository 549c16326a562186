using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.EndToEnd;

/// <summary>Each sample as its own process, and what the comment on top of it promises.</summary>
public class SampleTests
{
    [ProcessFact]
    public async Task Native_websocket_greets_and_prints_what_it_receives()
    {
        await using Sample sample = await Sample.StartAsync("native-websocket");
        await using SampleClient client = await sample.ConnectAsync();
        await client.ExpectAsync("Hello! I am a server.");

        await client.SendAsync("anything");
        await sample.Process.WaitForLineAsync("received: anything");

        await using (SampleClient rude = await sample.ConnectAsync())
        {
            await rude.ExpectAsync("Hello! I am a server.");
        }

        await sample.Process.WaitForLineAsync("gone without a goodbye");
        await sample.StopAsync();
        Regex.Count(sample.Process.Transcript, "gone without a goodbye").Should().Be(1);
    }

    [Fact]
    public void Every_sample_is_in_the_table_and_says_how_to_try_it()
    {
        string table = File.ReadAllText(Repository.PathTo("samples", "README.md"));
        foreach (string path in Directory.GetFiles(Repository.PathTo("samples"), "*.cs"))
        {
            string name = Path.GetFileName(path);
            table.Should().Contain($"[`{name}`]({name})");
            File.ReadAllText(path).Should().StartWith("// ").And.Contain($"//   dotnet run samples/{name}");
        }
    }

    [ProcessFact]
    public async Task Native_websocket_answers_a_goodbye()
    {
        await using Sample sample = await Sample.StartAsync("native-websocket");
        await using SampleClient client = await sample.ConnectAsync();
        await client.ExpectAsync("Hello! I am a server.");
        await client.CloseAsync();
        await client.ExpectCloseAsync(1000);
        await sample.StopAsync();
    }

    [ProcessFact]
    public async Task Presence_tells_who_is_there_and_who_comes_and_goes()
    {
        await using Sample sample = await Sample.StartAsync("presence");
        await using SampleClient ann = await sample.JoinAsync("/");
        await ann.SendAsync("""{"event":"enter","id":1,"data":{"room":"lobby","name":"Ann"}}""");
        await ann.ExpectAsync("""{"ack":1,"data":["Ann"]}""");

        await using (SampleClient bob = await sample.JoinAsync("/"))
        {
            await bob.SendAsync("""{"event":"enter","id":1,"data":{"room":"lobby","name":"Bob"}}""");
            await UntilAsync(bob, """{"ack":1,"data":["Ann","Bob"]}""");
            await ann.ExpectAsync("""{"event":"Joined","data":"Bob"}""");
            await ann.SendAsync("""{"event":"rename","data":"Anna"}""");
            await UntilAsync(bob, """{"event":"Updated","data":"Anna"}""");
        }

        await ann.ExpectAsync("""{"event":"Left","data":"Bob"}""");
        using var http = new HttpClient();
        (await http.GetStringAsync(sample.Address)).Should().Contain("new WebSocket(");
        await sample.StopAsync();

        // Handlers of presence run apart: that Ann is there may be said when Bob is, too.
        static async Task UntilAsync(SampleClient client, string text)
        {
            string received = await client.ReceiveAsync();
            if (received != text)
            {
                received.Should().Be("""{"event":"Joined","data":"Ann"}""");
                await client.ExpectAsync(text);
            }
        }
    }

    [ProcessFact]
    public async Task Hello_counter_counts_for_each_client_and_prints_hey()
    {
        await using Sample sample = await Sample.StartAsync("hello-counter");
        await using SampleClient client = await sample.JoinAsync("/");
        await client.ExpectAsync("""{"event":"hello","data":1}""");
        await client.ExpectAsync("""{"event":"hello","data":2}""");

        await using SampleClient other = await sample.JoinAsync("/");
        await other.ExpectAsync("""{"event":"hello","data":1}""");

        await client.SendAsync("""{"event":"hey","data":{"counter":2}}""");
        await sample.Process.WaitForLineAsync(new Regex("^hey 2$"));
        await sample.StopAsync();
    }

    [ProcessFact]
    public async Task Chat_logs_in_talks_to_the_others_and_disconnects()
    {
        await using Sample sample = await Sample.StartAsync("chat");
        await using SampleClient ada = await sample.JoinAsync("/");
        await using SampleClient bob = await sample.JoinAsync("/");

        await ada.SendAsync("""{"event":"chat","data":{"msg":"hi"},"id":1}""");
        await ada.ExpectAsync("""{"ack":1,"error":{"code":"unauthorized","message":"Log in before you chat."}}""");

        await ada.SendAsync("""{"event":"login","data":{"name":"Ada","userid":"ada"}}""");
        await ada.ExpectAsync("""{"event":"login","data":"Ada"}""");
        await bob.ExpectAsync("""{"event":"login","data":"Ada"}""");

        await ada.SendAsync("""{"event":"chat","data":{"msg":"hi"}}""");
        await bob.ExpectAsync("""{"event":"chat","data":{"from":{"name":"Ada","userid":"ada"},"msg":"hi"}}""");
        await ada.ExpectNothingBeforeAsync("""{"ping":1}""", """{"pong":1}""");

        await ada.SendAsync("""{"event":"forceDisconnect"}""");
        await ada.ExpectAsync("""{"disconnect":"/","reason":"server namespace disconnect"}""");
        await ada.ExpectCloseAsync(1000);
        await sample.StopAsync();
    }

    [ProcessFact]
    public async Task Namespaces_greet_and_respond_each_on_its_own()
    {
        await using Sample sample = await Sample.StartAsync("namespaces");
        await using SampleClient client = await sample.JoinAsync("/my-namespace");
        await client.ExpectAsync("""{"event":"hi","data":"everyone!"}""");
        await using SampleClient other = await sample.JoinAsync("/some-namespace");

        await client.SendAsync("""{"connect":"/some-namespace"}""");
        (await client.ReceiveAsync()).Should().StartWith("""{"connected":"/some-namespace","sid":""");
        await client.SendAsync("""{"event":"message","data":{"any":"thing"},"ns":"/some-namespace"}""");
        await client.ExpectAsync("""{"event":"response","data":{"any":"thing"},"ns":"/some-namespace"}""");
        await other.ExpectAsync("""{"event":"response","data":{"any":"thing"}}""");
        await sample.StopAsync();
    }

    [ProcessFact]
    public async Task Rooms_keep_messages_to_their_members()
    {
        await using Sample sample = await Sample.StartAsync("rooms");
        await using SampleClient blue = await sample.JoinAsync("/room");
        await using SampleClient alsoBlue = await sample.JoinAsync("/room");
        await using SampleClient red = await sample.JoinAsync("/room");
        await blue.RequestAsync("join", """{"id":"blue"}""");
        await alsoBlue.RequestAsync("join", """{"id":"blue"}""");
        await red.RequestAsync("join", """{"id":"red"}""");

        await blue.SendAsync("""{"event":"message","data":"hello, blue"}""");
        await blue.ExpectAsync("""{"event":"message","data":"hello, blue"}""");
        await alsoBlue.ExpectAsync("""{"event":"message","data":"hello, blue"}""");
        await red.ExpectNothingBeforeAsync("""{"ping":1}""", """{"pong":1}""");

        await red.RequestAsync("join", """{"id":"green"}""");
        await using SampleClient nowhere = await sample.JoinAsync("/room");
        await nowhere.SendAsync("""{"event":"message","data":"?","id":1}""");
        (await nowhere.ReceiveAsync()).Should().StartWith("""{"ack":1,"error":{"code":"not_in_room",""");
        await sample.StopAsync();
    }

    [ProcessFact]
    public async Task Join_room_says_whether_the_room_exists_and_greets_notification_rooms()
    {
        await using Sample sample = await Sample.StartAsync("join-room");
        await using SampleClient ada = await sample.JoinAsync("/chat");
        await ada.SendAsync("""{"event":"join-room","data":{"type":"dev","user":"Ada"},"id":1}""");
        await ada.ExpectAsync("""{"event":"hello","data":{"room":"room:dev","user":"Ada"}}""");
        await ada.ExpectAsync("""{"ack":1,"data":"success"}""");
        await ada.SendAsync("""{"event":"join-room","data":{"type":"cooking","user":"Ada"},"id":2}""");
        await ada.ExpectAsync("""{"ack":2,"data":"The room doesn't exist"}""");

        const string Welcome = """{"event":"hello","data":"Welcome to room1 and room2!"}""";
        await using SampleClient first = await sample.JoinAsync("/notification");
        await first.ExpectAsync(Welcome);
        await first.ExpectNothingBeforeAsync("""{"ping":1}""", """{"pong":1}""");
        await using SampleClient second = await sample.JoinAsync("/notification");
        await second.ExpectAsync(Welcome);
        await first.ExpectAsync(Welcome);
        await sample.StopAsync();
    }

    [ProcessFact]
    public async Task Acks_go_both_ways()
    {
        await using Sample sample = await Sample.StartAsync("acks");
        await using SampleClient client = await sample.JoinAsync("/");
        await client.ExpectAsync("""{"event":"hello","data":"world","id":1}""");

        // The server waits for the ack, and answers other events meanwhile.
        await client.SendAsync("""{"event":"nestjs","data":"?","id":1}""");
        await client.ExpectAsync("""{"ack":1,"data":"framework"}""");
        await client.SendAsync("""{"ack":1,"data":"got it"}""");
        await sample.Process.WaitForLineAsync("hello was acknowledged with \"got it\"");

        await client.SendAsync("""{"event":"typescript","data":"language"}""");
        await sample.Process.WaitForLineAsync("typescript \"language\"");
        await client.ExpectNothingBeforeAsync("""{"ping":1}""", """{"pong":1}""");

        await using (SampleClient silent = await sample.JoinAsync("/"))
        {
            await silent.ExpectAsync("""{"event":"hello","data":"world","id":2}""");
            await silent.CloseAsync();
        }

        await sample.Process.WaitForLineAsync("hello was not acknowledged: not_connected");
        await sample.StopAsync();
    }

    [ProcessFact]
    public async Task Broadcast_reaches_everyone_the_others_or_only_me()
    {
        await using Sample sample = await Sample.StartAsync("broadcast");
        await using SampleClient me = await sample.JoinAsync("/");
        await using SampleClient other = await sample.JoinAsync("/");
        await me.SendAsync("""{"event":"message","data":"to everyone"}""");
        await me.ExpectAsync("""{"event":"response","data":"to everyone"}""");
        await other.ExpectAsync("""{"event":"response","data":"to everyone"}""");

        await me.SendAsync("""{"event":"broadcast","data":"to the others"}""");
        await other.ExpectAsync("""{"event":"response","data":"to the others"}""");

        await me.SendAsync("""{"event":"echo","data":"to me"}""");
        await me.ExpectAsync("""{"event":"response","data":"to me"}""");

        using var http = new HttpClient();
        using HttpResponseMessage posted = await http.PostAsync(new Uri(sample.Address, "/announce?text=Lunch"), null);
        posted.EnsureSuccessStatusCode();
        await me.ExpectAsync("""{"event":"announcement","data":"Lunch"}""");
        await other.ExpectAsync("""{"event":"announcement","data":"Lunch"}""");
        await sample.StopAsync();
    }

    [ProcessFact]
    public async Task Room_limit_turns_the_third_away_until_a_place_is_free()
    {
        const string Join = """{"event":"join","data":"table"}""";
        const string Success = """{"event":"result","data":"success"}""";
        const string Failed = """{"event":"result","data":"failed"}""";
        await using Sample sample = await Sample.StartAsync("room-limit");
        await using SampleClient first = await sample.JoinAsync("/");
        await using SampleClient third = await sample.JoinAsync("/");
        await using (SampleClient second = await sample.JoinAsync("/"))
        {
            await first.AskAsync(Join, Success);
            await second.AskAsync(Join, Success);
            await second.AskAsync(Join, Success);
            await third.AskAsync(Join, Failed);
        }

        await first.SendAsync("""{"event":"leave","data":"table","id":1}""");
        await first.ExpectAsync("""{"ack":1}""");
        await third.AskAsync(Join, Success);
        await sample.StopAsync();
    }

    [ProcessFact]
    public async Task Auth_lets_in_who_has_a_token_and_takes_a_new_one()
    {
        await using Sample sample = await Sample.StartAsync("auth");
        Func<Task> anonymous = () => sample.ConnectAsync();
        await anonymous.Should().ThrowAsync<WebSocketException>().WithMessage("*401*");
        await using SampleClient ada = await sample.ConnectAsync("/?access_token=" + await SignInAsync(sample, "ada"));
        (await ada.ReceiveAsync()).Should().StartWith("""{"connected":"/","sid":""");

        await ada.AskAsync("""{"event":"whoami","id":1}""", """{"ack":1,"data":"ada"}""");
        await ada.AskAsync("""{"event":"close the shop","id":2}""", """{"ack":2,"error":{"code":"forbidden","message":"This user may not do that."}}""");
        await ada.AskAsync("""{"connect":"/back-room"}""", """{"connect_error":"/back-room","error":{"code":"forbidden","message":"This user may not do that."}}""");
        await ada.SendAsync($$"""{"event":"$auth","data":"{{await SignInAsync(sample, "ada")}}","id":3}""");
        (await ada.ReceiveAsync()).Should().StartWith("""{"ack":3,"data":{"expiresInMs":2""");
        await using SampleClient root = await sample.ConnectAsync("/?access_token=" + await SignInAsync(sample, "root"));
        (await root.ReceiveAsync()).Should().StartWith("""{"connected":"/","sid":""");
        await root.SendAsync("""{"event":"close the shop","id":1}""");
        await ada.ExpectAsync("""{"event":"closed","data":"root"}""");
        await root.ExpectAsync("""{"event":"closed","data":"root"}""");
        await root.ExpectAsync("""{"ack":1,"data":"closed"}""");
        await sample.StopAsync();
    }

    [ProcessFact]
    public async Task Udp_makes_events_of_datagrams_and_survives_what_is_no_json()
    {
        await using Sample sample = await Sample.StartAsync("udp", "--udp", "0");
        Uri udp = await sample.Process.WaitForAddressAsync("udp");
        await using SampleClient first = await sample.JoinAsync("/");
        await using SampleClient second = await sample.JoinAsync("/");
        using var sender = new UdpClient();
        foreach (string text in new[] { "not json", "", "\"\\ud800\"", new string('[', 1000) })
        {
            await sender.SendAsync(Encoding.UTF8.GetBytes(text), udp.Host, udp.Port);
            await sample.Process.WaitForLineAsync("is not JSON");
        }

        await sender.SendAsync("""{"temperature":21.5}"""u8.ToArray(), udp.Host, udp.Port);
        await first.ExpectAsync("""{"event":"datagram","data":{"temperature":21.5}}""");
        await second.ExpectAsync("""{"event":"datagram","data":{"temperature":21.5}}""");
        await sample.StopAsync();
    }

    private static async Task<string> SignInAsync(Sample sample, string name)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using HttpResponseMessage response = await http.PostAsync(new Uri(sample.Address, $"/login?name={name}"), content: null);
        return JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("accessToken").GetString()!;
    }
}
