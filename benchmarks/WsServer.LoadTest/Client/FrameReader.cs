using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using WsServer.LoadTest.Native;

namespace WsServer.LoadTest.Client;

/// <summary>Takes what came for a connection apart: the answer to the upgrade, then frames, then messages.</summary>
internal sealed class FrameReader(LoadClient client, UpgradeRequest upgrade)
{
    // One buffer for all connections: what is not a whole frame yet is kept with its connection.
    private readonly byte[] _buffer = new byte[256 * 1024];

    /// <summary>A close frame with status 1000.</summary>
    public static byte[] CloseFrame { get; } = Frame.Write(FrameKind.Close, [0x03, 0xe8]);

    public UpgradeRequest Upgrade => upgrade;

    /// <summary>Reads once from a socket that is readable.</summary>
    public void Read(Connection connection)
    {
        int kept = connection.TakeRest(_buffer);
        nint count = Libc.Receive(connection.Descriptor, _buffer.AsSpan(kept), _buffer.Length - kept, 0);
        if (count > 0)
        {
            long now = Stopwatch.GetTimestamp();
            ReadOnlySpan<byte> data = _buffer.AsSpan(0, kept + (int)count);
            ReadOnlySpan<byte> rest = data[Parse(connection, data, now)..];
            if (rest.Length == _buffer.Length)
            {
                throw new LoadException("The server has sent a frame that is longer than any here.");
            }

            if (rest.Length > 0 && connection.State != ConnectionState.Closed)
            {
                connection.KeepRest(rest);
            }

            return;
        }

        int error = count == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (error is Libc.TryAgain or Libc.Interrupted)
        {
            connection.KeepRest(_buffer.AsSpan(0, kept));
            return;
        }

        client.Drop(connection, error == 0 ? "the server has closed it." : Marshal.GetPInvokeErrorMessage(error));
    }

    // How much of the data has been dealt with.
    private int Parse(Connection connection, ReadOnlySpan<byte> data, long now)
    {
        int at = 0;
        if (connection.State == ConnectionState.Upgrading)
        {
            at = upgrade.ReadResponse(data);
            if (at == 0)
            {
                return 0;
            }

            connection.State = ConnectionState.Greeting;
            client.Dialect.Greet(client, connection);
        }

        while (connection.State != ConnectionState.Closed && Frame.TryRead(data[at..], out FrameHeader header))
        {
            int start = at + header.Length;
            if (data.Length - start < header.PayloadLength)
            {
                break;
            }

            at = start + header.PayloadLength;
            Take(connection, header, data[start..at], now);
        }

        return at;
    }

    private void Take(Connection connection, FrameHeader header, ReadOnlySpan<byte> payload, long now)
    {
        switch (header.Kind)
        {
            case FrameKind.Text when header.IsFinal && !connection.IsFragmented:
                client.Dialect.Receive(client, connection, payload, now);
                break;
            case FrameKind.Text when !connection.IsFragmented:
            case FrameKind.Continuation when connection.IsFragmented:
                connection.AddFragment(payload);
                if (header.IsFinal)
                {
                    client.Dialect.Receive(client, connection, connection.TakeMessage(), now);
                }

                break;
            case FrameKind.Ping:
                client.Send(connection, Frame.Write(FrameKind.Pong, payload));
                break;
            case FrameKind.Pong:
                break;
            case FrameKind.Close:
                connection.CloseReason = payload.Length < 2
                    ? "closed without a status."
                    : string.Create(CultureInfo.InvariantCulture, $"closed with {BinaryPrimitives.ReadUInt16BigEndian(payload)} {Encoding.UTF8.GetString(payload[2..])}");
                if (connection.State != ConnectionState.Closing)
                {
                    client.BeginClose(connection);
                }

                break;
            default:
                throw new LoadException($"The server has sent a frame out of place: {header}");
        }
    }
}
