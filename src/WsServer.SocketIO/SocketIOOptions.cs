using Microsoft.Extensions.Options;

namespace WsServer.SocketIO;

/// <summary>
/// The settings of a Socket.IO endpoint, from the configuration section <c>SocketIO</c> and then from what the program
/// sets; checked when it is mapped. What it shares with all connections (how long a
/// client may be in no namespace, how much may wait for it, how many there may be) is set in
/// <see cref="EventServerOptions"/>.
/// </summary>
public sealed class SocketIOOptions
{
    internal const string SectionName = "SocketIO";

    /// <summary>The time from a client's pong to the next ping. Default that of <see cref="EventServerOptions.PingInterval"/>.</summary>
    public TimeSpan? PingInterval { get; set; }

    /// <summary>How long a client may take to answer a ping. Default that of <see cref="EventServerOptions.PingTimeout"/>.</summary>
    public TimeSpan? PingTimeout { get; set; }

    /// <summary>How long a WebSocket may take to become the transport of a client that came by polling. Default 10 seconds.</summary>
    public TimeSpan UpgradeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The largest body of a polling request and the largest WebSocket message to take, in bytes. Clients are told, and
    /// send no larger bodies. A larger body is answered with 413; a larger message closes the connection with 1009.
    /// Default 1,000,000.
    /// </summary>
    public int MaxPayload { get; set; } = 1_000_000;

    /// <summary>
    /// The folder with the scripts of the client library, which are then served below the endpoint's path: the
    /// <c>dist</c> of the npm package <c>socket.io-client</c>. A relative one begins at the content root. Default null:
    /// the scripts are not served.
    /// </summary>
    public string? ClientDirectory { get; set; }

    /// <summary>
    /// The most bytes that one packet may have with all its attachments, each of which comes as a message of its own and
    /// is limited by <see cref="MaxPayload"/>. A larger packet closes the connection. Default 10,000,000.
    /// </summary>
    public int MaxPacketBytes { get; set; } = 10_000_000;

    /// <summary>
    /// Whether clients that were cut off may come back to their socket and to what they missed, within
    /// <see cref="EventServerOptions.RecoveryWindow"/>. Each event then ends with one more argument, its offset, which
    /// Socket.IO's clients hand to their listeners. Default false.
    /// </summary>
    public bool ConnectionStateRecovery { get; set; }

    /// <summary>Names each option that is wrong.</summary>
    /// <exception cref="OptionsValidationException">One is.</exception>
    internal void Validate()
    {
        var errors = new List<string>();
        Positive(nameof(PingInterval), PingInterval);
        Positive(nameof(PingTimeout), PingTimeout);
        Positive(nameof(UpgradeTimeout), UpgradeTimeout);
        if (MaxPayload < 16 || MaxPayload > Array.MaxLength / 2)
        {
            errors.Add($"SocketIO:{nameof(MaxPayload)} is {MaxPayload}; it must be at least 16 and at most {Array.MaxLength / 2}.");
        }

        if (MaxPacketBytes < MaxPayload || MaxPacketBytes > Array.MaxLength / 2)
        {
            errors.Add($"SocketIO:{nameof(MaxPacketBytes)} is {MaxPacketBytes}; it must be at least {nameof(MaxPayload)}, {MaxPayload}, and at most {Array.MaxLength / 2}.");
        }

        if (errors.Count > 0)
        {
            throw new OptionsValidationException(nameof(SocketIOOptions), typeof(SocketIOOptions), errors);
        }

        void Positive(string option, TimeSpan? value)
        {
            if (value <= TimeSpan.Zero || value?.TotalMilliseconds > int.MaxValue)
            {
                errors.Add($"SocketIO:{option} is {value}; it must be more than zero and at most 24 days.");
            }
        }
    }
}
