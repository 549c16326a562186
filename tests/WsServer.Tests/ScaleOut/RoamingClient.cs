using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using WsServer.Tests.Support;

namespace WsServer.Tests.ScaleOut;

/// <summary>
/// A client as one is written for a server that restarts: it talks in a room as soon as it may, comes back when its connection
/// ends, asks for its session then, joins the room again when that is gone, and notes what it was promised and what it has
/// heard.
/// </summary>
internal sealed class RoamingClient : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly Uri _server;
    private readonly string _name;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<int> _promised = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<int>> _heard = new();
    private readonly TaskCompletionSource _mayTalk = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _running;
    private volatile EventClient? _connection;
    private volatile bool _isQuiet;
    private volatile int _connections;
    private volatile int _said;
    private int _recovered;
    private string _session = "";
    private long? _seq;

    /// <param name="server">Where to connect.</param>
    /// <param name="name">What it begins its messages with.</param>
    public RoamingClient(Uri server, string name)
    {
        _server = server;
        _name = name;
        _running = Task.Run(RunAsync);
    }

    public string Name => _name;

    /// <summary>Whether it is in the room.</summary>
    public bool IsThere => _connection is not null;

    /// <summary>How many connections it has had; the room was joined on each.</summary>
    public int Connections => _connections;

    /// <summary>How many of them went on with the session of the one before.</summary>
    public int Recovered => _recovered;

    /// <summary>The number of the last message that it has begun to say.</summary>
    public int Said => _said;

    /// <summary>The numbers of those that were acked.</summary>
    public IReadOnlyCollection<int> Promised => _promised;

    /// <summary>The numbers of what another has said, as they came.</summary>
    public IReadOnlyCollection<int> HeardFrom(string name) => _heard.GetValueOrDefault(name) ?? [];

    /// <summary>It begins to talk: everybody who is to hear it is there.</summary>
    public void Talk() => _mayTalk.TrySetResult();

    /// <summary>It listens only, from the end of what it is just saying.</summary>
    public void BeQuiet() => _isQuiet = true;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        BeQuiet();
        Talk();
        if (_connection is { } connection)
        {
            await connection.DisposeAsync();
        }

        await _running;
        _stop.Dispose();
    }

    private static bool IsBroken(Exception exception) => exception is WebSocketException or InvalidOperationException or OperationCanceledException or IOException;

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using EventClient connection = await ConnectAsync();
                await Task.WhenAll(TalkAsync(connection), ListenAsync(connection));
            }
            catch (Exception exception) when (IsBroken(exception))
            {
                // Refused, or gone again before it was in the room.
                await Task.Delay(Pause, CancellationToken.None);
            }
            finally
            {
                _connection = null;
            }
        }
    }

    private async Task<EventClient> ConnectAsync()
    {
        string query = _session.Length == 0 ? "?recover=1" : string.Create(CultureInfo.InvariantCulture, $"?session={_session}&seq={_seq}");
        EventClient connection = await EventClient.OpenAsync(new Uri(_server, "/chat" + query));
        try
        {
            JsonElement connected = await connection.WelcomedAsync();
            _session = connected.GetProperty("session").GetString()!;
            if (connected.TryGetProperty("recovered", out JsonElement recovered) && recovered.GetBoolean())
            {
                _recovered++;
            }
            else
            {
                Note(connected);
                await connection.AskAsync("join-room", $$"""{"type":"dev","user":"{{_name}}"}""");
            }

            _connections++;
            _connection = connection;
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task TalkAsync(EventClient connection)
    {
        await _mayTalk.Task;
        try
        {
            while (!_isQuiet)
            {
                int number = ++_said;
                JsonElement ack = await connection.AskAsync("say", $$"""{"room":"room:dev","msg":"{{_name}}:{{number}}"}""");
                if (!ack.TryGetProperty("error", out _))
                {
                    _promised.Enqueue(number);
                }

                await Task.Delay(Pause, CancellationToken.None);
            }
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            // Without its ack, a message may have been said or not.
            return;
        }
    }

    private async Task ListenAsync(EventClient connection)
    {
        try
        {
            while (true)
            {
                JsonElement said = await connection.EventAsync("said");
                string[] message = said.GetProperty("data").GetProperty("msg").GetString()!.Split(':');
                _heard.GetOrAdd(message[0], _ => new ConcurrentQueue<int>()).Enqueue(int.Parse(message[1], CultureInfo.InvariantCulture));
                Note(said);
            }
        }
        catch (Exception exception) when (IsBroken(exception) || (exception is TimeoutException && _isQuiet))
        {
            // The connection has ended, and all that came by it is noted.
            return;
        }
    }

    private void Note(JsonElement message)
    {
        if (message.TryGetProperty("seq", out JsonElement seq))
        {
            _seq = seq.GetInt64();
        }
    }
}
