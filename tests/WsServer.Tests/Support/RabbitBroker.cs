using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace WsServer.Tests.Support;

/// <summary>
/// A real RabbitMQ with its data in a folder of its own, at ports of its own and with a name server of its own, so that it
/// meets no other. It is started by whoever runs the tests.
/// </summary>
internal sealed class RabbitBroker : IAsyncDisposable
{
    private const int SigStop = 19;
    private const int SigContinue = 18;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private readonly string[] _environment;
    private readonly RunningProcess _names;
    private RunningProcess? _server;

    private RabbitBroker(string folder, RunningProcess names, int namesPort, bool hasTls)
    {
        _folder = folder;
        _names = names;
        Port = FreePort.Find();
        TlsPort = hasTls ? FreePort.Find() : 0;
        Name = $"{Path.GetFileName(folder)}@localhost";
        _environment =
        [
            "-i", $"PATH={Environment.GetEnvironmentVariable("PATH")}", $"HOME={folder}", "LANG=C.UTF-8",
            $"ERL_EPMD_PORT={namesPort}", "ERL_EPMD_ADDRESS=127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE=/dev/null", $"RABBITMQ_NODENAME={Name}",
            $"RABBITMQ_CONFIG_FILE={folder}/rabbitmq.conf", $"RABBITMQ_ENABLED_PLUGINS_FILE={folder}/plugins",
            $"RABBITMQ_MNESIA_BASE={folder}/data", $"RABBITMQ_LOG_BASE={folder}/log", $"RABBITMQ_PID_FILE={folder}/pid", "RABBITMQ_LOGS=-",
            $"RABBITMQ_DIST_PORT={FreePort.Find()}",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",

            // The script becomes the server then, instead of waiting for it.
            "detached=1",
        ];
    }

    public int Port { get; }

    /// <summary>Where it speaks TLS; 0 when it does not.</summary>
    public int TlsPort { get; }

    /// <summary>Its name among Erlang's nodes.</summary>
    public string Name { get; }

    public string Uri => string.Create(CultureInfo.InvariantCulture, $"amqp://127.0.0.1:{Port}");

    /// <summary>As a proxy is told where a server is.</summary>
    public Uri Endpoint => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}"));

    /// <summary>What it has logged.</summary>
    public string Transcript => _server?.Transcript ?? "";

    /// <summary>Starts a broker, and waits until it answers.</summary>
    /// <param name="authority">Whose certificate it has at a second port; without, there is none.</param>
    public static async Task<RabbitBroker> StartAsync(CertificateAuthority? authority = null)
    {
        string folder = Directory.CreateTempSubdirectory("rabbitmq-").FullName;
        int namesPort = FreePort.Find();
        RunningProcess names = RunningProcess.Start(Requirements.Epmd!, "-port", namesPort.ToString(CultureInfo.InvariantCulture), "-address", "127.0.0.1");
        var broker = new RabbitBroker(folder, names, namesPort, authority is not null);
        try
        {
            await broker.ConfigureAsync(authority);
            await Within.UntilAsync(() => Answers(namesPort, ReadOnlyMemory<byte>.Empty), "the name server listens");
            await broker.StartAgainAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it after <see cref="StopAsync"/> or <see cref="KillAsync"/>, with the same data.</summary>
    public async Task StartAgainAsync()
    {
        _server = RunningProcess.Start("/usr/bin/env", [.. _environment, Requirements.RabbitMQ!]);
        await Within.UntilAsync(() => _server.HasExited || Answers(Port, "AMQP\0\0\x9\x1"u8.ToArray()), "RabbitMQ answers", Patience);
        if (_server.HasExited)
        {
            throw new InvalidOperationException($"RabbitMQ has ended. It said:\n{_server.Transcript}");
        }
    }

    /// <summary>Lets it end in order.</summary>
    public async Task StopAsync()
    {
        await _server!.StopAsync();
        await _server.DisposeAsync();
    }

    /// <summary>Ends it as a crash does.</summary>
    public async Task KillAsync() => await _server!.DisposeAsync();

    /// <summary>It stands still, with its connections open.</summary>
    public void Pause() => _server!.Signal(SigStop);

    public void Continue() => _server!.Signal(SigContinue);

    /// <summary>Runs <c>rabbitmqctl</c>.</summary>
    /// <returns>What it printed.</returns>
    public Task<string> ControlAsync(params string[] arguments) =>
        RunningProcess.RunAsync(Patience, "/usr/bin/env", [.. _environment, Path.Combine(Path.GetDirectoryName(Requirements.RabbitMQ)!, "rabbitmqctl"), "-q", "-n", Name, .. arguments]);

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        await _names.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ConfigureAsync(CertificateAuthority? authority)
    {
        string tls = "";
        if (authority is not null)
        {
            await WriteAsync("authority.pem", authority.RootPem);
            await WriteAsync("server.pem", authority.ServerPem);
            await WriteAsync("server.key", authority.ServerKeyPem);
            tls = $"""
                listeners.ssl.1 = 127.0.0.1:{TlsPort}
                ssl_options.cacertfile = {_folder}/authority.pem
                ssl_options.certfile = {_folder}/server.pem
                ssl_options.keyfile = {_folder}/server.key
                ssl_options.verify = verify_none
                """;
        }

        await WriteAsync("plugins", "[].");
        await WriteAsync("rabbitmq.conf", $"""
            listeners.tcp.1 = 127.0.0.1:{Port}
            {tls}
            vm_memory_high_watermark.absolute = 512MB
            disk_free_limit.absolute = 10MB
            log.console = true
            log.console.level = warning

            """);

        Task WriteAsync(string name, string text) => File.WriteAllTextAsync(Path.Combine(_folder, name), text);
    }

    // A server that speaks answers the greeting; without one, it is enough that it listens.
    private static bool Answers(int port, ReadOnlyMemory<byte> greeting)
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 2000 };
            socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
            return greeting.IsEmpty || (socket.Send(greeting.Span) > 0 && socket.Receive(new byte[1]) == 1);
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
