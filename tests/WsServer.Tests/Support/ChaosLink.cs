using System.Net;
using System.Net.Sockets;

namespace WsServer.Tests.Support;

/// <summary>One connection through a <see cref="ChaosProxy"/>: two sockets, and what happens between them.</summary>
internal sealed class ChaosLink(Socket client, ChaosScript script, Random random) : IDisposable
{
    private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _cut = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private volatile bool _isBlackHole;
    private bool _hasEnded;

    /// <summary>When both sockets are closed.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Does to both directions at once what a script does to one after some bytes.</summary>
    public void Cut(ChaosFault fault)
    {
        switch (fault)
        {
            case ChaosFault.BlackHole:
                _isBlackHole = true;
                break;
            case ChaosFault.HalfClose:
                Shutdown(_server);
                break;
            case ChaosFault.Close or ChaosFault.Reset:
                End(fault);
                break;
        }
    }

    /// <summary>Connects to the server and passes on bytes until both sides have ended, or the script ends it.</summary>
    public async Task RunAsync(EndPoint server)
    {
        client.NoDelay = true;
        _server.NoDelay = true;
        try
        {
            await _server.ConnectAsync(server, _cut.Token);
            int seed = random.Next();
            await Task.WhenAll(
                RunAsync(client, _server, script.ToServer, new Random(seed)),
                RunAsync(_server, client, script.ToClient, new Random(seed + 1)));
            End(ChaosFault.Close);
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            End(ChaosFault.Reset);
        }

        _ended.SetResult();
    }

    /// <summary>Cuts it, if it has not ended.</summary>
    public void Dispose()
    {
        End(ChaosFault.Reset);
        _cut.Dispose();
    }

    private static bool IsBroken(Exception exception) => exception is SocketException or OperationCanceledException or ObjectDisposedException;

    private async Task RunAsync(Socket from, Socket to, ChaosCourse course, Random chance)
    {
        try
        {
            await PassAsync(from, to, course, chance);
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            // One side has crashed, or is gone: the other is told so.
            End(ChaosFault.Reset);
        }
    }

    private async Task PassAsync(Socket from, Socket to, ChaosCourse course, Random chance)
    {
        byte[] buffer = new byte[16 * 1024];
        long passed = 0;
        bool isSwallowing = false;
        while (true)
        {
            if (course.MaxDelay > TimeSpan.Zero)
            {
                await Task.Delay(course.MaxDelay * chance.NextDouble(), _cut.Token);
            }

            int count = await from.ReceiveAsync(buffer, _cut.Token);
            if (count == 0)
            {
                if (!isSwallowing)
                {
                    Shutdown(to);
                }

                return;
            }

            Memory<byte> bytes = buffer.AsMemory(0, count);
            if (isSwallowing || _isBlackHole)
            {
                continue;
            }

            bool isFault = course.Fault != ChaosFault.None && passed + count >= course.FaultAfter;
            if (isFault)
            {
                bytes = bytes[..(int)(course.FaultAfter - passed)];
            }

            Corrupt(bytes.Span, passed, course, chance);
            await SendAsync(to, bytes, course, chance);
            passed += bytes.Length;
            if (isFault)
            {
                isSwallowing = true;
                Begin(course.Fault, to);
            }
        }
    }

    private void Begin(ChaosFault fault, Socket to)
    {
        switch (fault)
        {
            case ChaosFault.HalfClose:
                Shutdown(to);
                break;
            case ChaosFault.Close or ChaosFault.Reset:
                End(fault);
                break;
        }
    }

    private async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes, ChaosCourse course, Random chance)
    {
        while (!bytes.IsEmpty)
        {
            int piece = course.MaxPiece == 0 ? bytes.Length : Math.Min(bytes.Length, chance.Next(1, course.MaxPiece + 1));
            await to.SendAsync(bytes[..piece], _cut.Token);
            bytes = bytes[piece..];
            if (course.MaxPiece > 0)
            {
                // Lets the receiver read before the next piece comes, as far as it wants to.
                await Task.Yield();
            }
        }
    }

    private static void Corrupt(Span<byte> bytes, long at, ChaosCourse course, Random chance)
    {
        if (course.CorruptEvery == 0)
        {
            return;
        }

        for (int i = (int)Math.Clamp(course.CorruptFrom - at, 0, bytes.Length); i < bytes.Length; i++)
        {
            if (chance.Next(course.CorruptEvery) == 0)
            {
                bytes[i] ^= (byte)(1 << chance.Next(8));
            }
        }
    }

    private static void Shutdown(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }
    }

    private void End(ChaosFault fault)
    {
        lock (_gate)
        {
            if (_hasEnded)
            {
                return;
            }

            _hasEnded = true;
            if (fault == ChaosFault.Reset)
            {
                // Closed without waiting for what is unsent: the other side gets a reset.
                client.LingerState = new LingerOption(true, 0);
                _server.LingerState = new LingerOption(true, 0);
            }

            client.Dispose();
            _server.Dispose();
            _cut.Cancel();
        }
    }
}
