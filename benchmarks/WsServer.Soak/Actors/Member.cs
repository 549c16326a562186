using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using WsServer.Soak.Wire;

namespace WsServer.Soak.Actors;

/// <summary>How a member connects.</summary>
internal enum Way
{
    Native,
    Recovering,
    WebSocket,
    Polling,
}

/// <summary>
/// Somebody in a room of ten: talks, checks what the others say, lets the server ask, and, if it is one of the restless, leaves
/// now and then in any way there is and comes back.
/// </summary>
internal sealed class Member(int port, int index, Way way, bool isRestless, Tally tally, Random random)
{
    private const int RoomSize = 10;

    private readonly string _room = string.Create(CultureInfo.InvariantCulture, $"group-{index / RoomSize}");
    private readonly string _who = string.Create(CultureInfo.InvariantCulture, $"{way}-{index}");
    private string? _resumed;
    private Hearing? _heard;
    private long _seq;

    public int Room => index / RoomSize;

    public string Name => _who;

    /// <summary>The connection of now; null while there is none.</summary>
    public MemberSession? Session { get; private set; }

    private bool IsAsking => way == Way.Native && index % 4 == 0;

    /// <summary>Does what it does until it is to stop, and then stays connected and still.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && tally.FailureCount == 0)
        {
            try
            {
                await LiveAsync(stop);
                if (Session is { } stays)
                {
                    await stays.Reading;
                    return;
                }

                await PauseAsync(3, stop);
            }
            catch (Exception exception)
            {
                tally.Fail(_who, exception);
                return;
            }
        }
    }

    /// <summary>Leaves for good.</summary>
    public async Task EndAsync()
    {
        if (Session is { } session)
        {
            using (session)
            {
                await session.LeaveAsync();
            }

            Session = null;
        }
    }

    private async Task LiveAsync(CancellationToken stop)
    {
        MemberSession session = await ConnectAsync();
        await session.SayAsync();
        Session = session;
        while (await PauseAsync(6, stop))
        {
            if (session.Reading.IsCompleted)
            {
                throw new SoakException("The connection ended by itself.");
            }

            if (IsAsking && random.Next(4) == 0)
            {
                await session.BeAskedAsync();
                tally.Count("questions answered");
            }

            await session.SayAsync();
            tally.Count("messages said");
            if (isRestless && random.Next(3) == 0)
            {
                await LeaveAsync(session);
                return;
            }
        }
    }

    private async Task<MemberSession> ConnectAsync()
    {
        Link link = way switch
        {
            Way.WebSocket => await SocketIoLink.OpenAsync(port),
            Way.Polling => await PollingLink.OpenAsync(port),
            Way.Native => await NativeLink.OpenAsync(port, "/chat"),
            _ => await NativeLink.OpenAsync(port, _resumed is null ? "/chat?recover=1" : string.Create(CultureInfo.InvariantCulture, $"/chat?session={_resumed}&seq={_seq}")),
        };
        var session = new MemberSession(link, _who, _room, tally, _heard);
        _heard = null;
        JsonElement connected = await session.ConnectedAsync();
        if (way == Way.Recovering)
        {
            bool isRecovered = connected.TryGetProperty("recovered", out JsonElement recovered) && recovered.GetBoolean();
            tally.Count(isRecovered ? "recovered" : _resumed is null ? "first connects of those who recover" : "not recovered");
            _resumed = connected.GetProperty("session").GetString();
        }

        if (IsAsking)
        {
            await ((NativeLink)link).SendAsync("""{"connect":"/ask"}""");
        }

        tally.Count("connected");
        return session;
    }

    private async Task LeaveAsync(MemberSession session)
    {
        Session = null;
        using (session)
        {
            bool isPolite = random.Next(2) == 0;
            if (isPolite)
            {
                await session.LeaveAsync();
            }
            else
            {
                if (IsAsking)
                {
                    // An ack is owed when it goes.
                    session.IsMute = true;
                    await session.EmitAsync("ask-me", "1", "/ask");
                }

                try
                {
                    await session.CutAsync();
                }
                catch (SocketException)
                {
                    // The server was quicker.
                }
            }

            tally.Count(isPolite ? "left politely" : "cut");
            (_heard, _seq) = way == Way.Recovering ? (session.Hearing, session.Seq) : (null, 0);
        }
    }

    private async Task<bool> PauseAsync(int seconds, CancellationToken stop)
    {
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(random.NextDouble() * seconds), stop);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
