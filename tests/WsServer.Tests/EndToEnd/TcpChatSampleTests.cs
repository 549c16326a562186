using System.Net.Sockets;
using System.Text;
using FluentAssertions;
using WsServer.Tests.Support;

namespace WsServer.Tests.EndToEnd;

/// <summary>The sample with a transport of its own: lines over TCP and WebSockets in one chat.</summary>
public class TcpChatSampleTests
{
    private const string AdaLogsIn = """{"event":"login","data":{"name":"Ada","userid":"ada"},"id":1}""";
    private const string BobLogsIn = """{"event":"login","data":{"name":"Bob","userid":"bob"},"id":1}""";

    [ProcessFact]
    public async Task Lines_over_tcp_and_a_websocket_chat_in_one_room()
    {
        await using Sample sample = await Sample.StartAsync("tcp-chat", "--tcp", "0");
        Uri tcp = await sample.Process.WaitForAddressAsync("tcp");
        await using SampleClient ada = await sample.JoinAsync("/");
        await ada.SendAsync(AdaLogsIn);
        await ada.ExpectAsync("""{"event":"login","data":"Ada"}""");
        await ada.ExpectAsync("""{"ack":1}""");

        using LineClient bob = await LineClient.JoinAsync(tcp);
        await bob.SendAsync("""{"event":"chat","data":{"msg":"too early"},"id":"x"}""" + "\n");
        (await bob.ReceiveAsync()).Should().StartWith("""{"ack":"x","error":{"code":"unauthorized",""");
        await bob.SendAsync(BobLogsIn + "\n");
        await bob.ExpectAsync("""{"event":"login","data":"Bob"}""");
        await bob.ExpectAsync("""{"ack":1}""");
        await ada.ExpectAsync("""{"event":"login","data":"Bob"}""");

        await bob.SendAsync("""{"event":"chat","data":{"msg":"hi from nc"}}""" + "\n");
        await ada.ExpectAsync("""{"event":"chat","data":{"from":{"name":"Bob","userid":"bob"},"msg":"hi from nc"}}""");
        await ada.SendAsync("""{"event":"chat","data":{"msg":"hi from the browser\n"}}""");
        await bob.ExpectAsync("""{"event":"chat","data":{"from":{"name":"Ada","userid":"ada"},"msg":"hi from the browser\n"}}""");

        Task stopping = sample.StopAsync();
        (await bob.ReceiveAsync()).Should().StartWith("""{"error":{"code":"shutting_down",""");
        await bob.ExpectEndAsync();
        await stopping;
    }

    [ProcessFact]
    public async Task Lines_may_come_in_pieces_or_together_and_end_with_crlf()
    {
        await using Sample sample = await Sample.StartAsync("tcp-chat", "--tcp", "0");
        using LineClient client = await LineClient.JoinAsync(await sample.Process.WaitForAddressAsync("tcp"));
        await client.SendAsync("{\"ping\":1}\r\n{\"ping\":2}\n{\"pi");
        await client.ExpectAsync("""{"pong":1}""");
        await client.ExpectAsync("""{"pong":2}""");
        await client.SendAsync("ng\":\"three\"}\r");
        await client.SendAsync("\n");
        await client.ExpectAsync("""{"pong":"three"}""");
    }

    [ProcessFact]
    public async Task Bad_lines_are_answered_and_a_too_long_one_ends_its_own_connection_only()
    {
        await using Sample sample = await Sample.StartAsync("tcp-chat", "--tcp", "0");
        Uri tcp = await sample.Process.WaitForAddressAsync("tcp");
        using LineClient steady = await LineClient.JoinAsync(tcp);
        await steady.SendAsync("{not json\n");
        (await steady.ReceiveAsync()).Should().StartWith("""{"error":{"code":"invalid_json",""");
        await steady.SendAsync("\n");
        (await steady.ReceiveAsync()).Should().StartWith("""{"error":{"code":"invalid_json",""");

        using LineClient wordy = await LineClient.JoinAsync(tcp);
        await wordy.SendAsync(new string('x', 200_000));
        (await wordy.ReceiveAsync()).Should().StartWith("""{"error":{"code":"too_large",""");
        await wordy.ExpectEndAsync();

        using LineClient gone = await LineClient.JoinAsync(tcp);
        await gone.SendAsync(BobLogsIn + "\n");
        await gone.ExpectAsync("""{"event":"login","data":"Bob"}""");
        gone.Break();

        await steady.SendAsync(AdaLogsIn + "\n");
        await steady.ExpectAsync("""{"event":"login","data":"Ada"}""");
        await steady.ExpectAsync("""{"ack":1}""");
    }

    [ProcessFact]
    public async Task The_page_is_served_beside()
    {
        await using Sample sample = await Sample.StartAsync("tcp-chat", "--tcp", "0");
        using var http = new HttpClient();
        (await http.GetStringAsync(sample.Address)).Should().Be(await File.ReadAllTextAsync(Repository.PathTo("public", "index.html")));
    }

    /// <summary>What <c>nc</c> would be.</summary>
    private sealed class LineClient : IDisposable
    {
        private readonly TcpClient _tcp;
        private readonly StreamReader _reader;

        private LineClient(TcpClient tcp)
        {
            _tcp = tcp;
            _reader = new StreamReader(tcp.GetStream());
        }

        public static async Task<LineClient> JoinAsync(Uri address)
        {
            var tcp = new TcpClient();
            await tcp.ConnectAsync(address.Host, address.Port);
            var client = new LineClient(tcp);
            (await client.ReceiveAsync()).Should().StartWith("""{"connected":"/","sid":""");
            return client;
        }

        public async Task SendAsync(string text)
        {
            using var timeout = new CancellationTokenSource(RunningProcess.Patience);
            await _tcp.GetStream().WriteAsync(Encoding.UTF8.GetBytes(text), timeout.Token);
        }

        public async Task<string?> ReceiveAsync()
        {
            using var timeout = new CancellationTokenSource(RunningProcess.Patience);
            return await _reader.ReadLineAsync(timeout.Token);
        }

        public async Task ExpectAsync(string text) => (await ReceiveAsync()).Should().Be(text);

        public async Task ExpectEndAsync()
        {
            (await ReceiveAsync()).Should().BeNull();
            _tcp.Close();
        }

        /// <summary>Goes without a goodbye: the connection is reset.</summary>
        public void Break()
        {
            _tcp.LingerState = new LingerOption(enable: true, seconds: 0);
            _tcp.Close();
        }

        public void Dispose()
        {
            _reader.Dispose();
            _tcp.Dispose();
        }
    }
}
