using System.Diagnostics.CodeAnalysis;

namespace WsServer.RabbitMQ;

/// <summary>What an AMQP URI says. Its text is for logs, and has no password.</summary>
internal sealed class BrokerAddress
{
    private const string Amqp = "amqp";
    private const string Amqps = "amqps";
    private const int DefaultPort = 5672;
    private const int DefaultTlsPort = 5671;
    private const string DefaultUser = "guest";

    private BrokerAddress(Uri uri, string user, string password, string virtualHost)
    {
        IsTls = uri.Scheme == Amqps;
        Host = uri.IdnHost;
        Port = uri.Port > 0 ? uri.Port : IsTls ? DefaultTlsPort : DefaultPort;
        User = user;
        Password = password;
        VirtualHost = virtualHost;
    }

    public bool IsTls { get; }

    public string Host { get; }

    public int Port { get; }

    public string User { get; }

    public string Password { get; }

    public string VirtualHost { get; }

    /// <summary>Reads a URI.</summary>
    /// <param name="text">The URI.</param>
    /// <param name="error">What is wrong with it, without quoting it.</param>
    /// <returns>What it says; null when it is wrong.</returns>
    public static BrokerAddress? Parse(string? text, [NotNullWhen(false)] out string? error)
    {
        error = null;
        if (string.IsNullOrEmpty(text))
        {
            error = "is missing; it is like amqp://user:password@host:5672/vhost.";
        }
        else if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0)
        {
            error = "is no URI; it is like amqp://user:password@host:5672/vhost, with special characters in user and password percent-encoded.";
        }
        else if (uri.Scheme is not (Amqp or Amqps))
        {
            error = "must begin with amqp:// or amqps://.";
        }
        else if (uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            error = "must end with the virtual host, without '?' and '#'; what else there is to say is said by the other options.";
        }
        else if (uri.AbsolutePath.LastIndexOf('/') > 0)
        {
            error = "has more than one segment in its path, which is the virtual host; a '/' in its name is written %2F.";
        }
        else
        {
            string[] login = uri.UserInfo.Split(':', 2);
            return new BrokerAddress(
                uri,
                login[0].Length > 0 ? Uri.UnescapeDataString(login[0]) : DefaultUser,
                login.Length > 1 ? Uri.UnescapeDataString(login[1]) : login[0].Length > 0 ? "" : DefaultUser,
                uri.AbsolutePath.Length > 1 ? Uri.UnescapeDataString(uri.AbsolutePath[1..]) : "/");
        }

        return null;
    }

    public override string ToString() => $"{(IsTls ? Amqps : Amqp)}://{User}@{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}/{Uri.EscapeDataString(VirtualHost)}";
}
