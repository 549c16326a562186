using System.Diagnostics;
using System.Globalization;

namespace WsServer.LoadTest.Servers;

/// <summary>A broker with its data and its ports to itself, and its end.</summary>
internal sealed class BrokerProcess : IDisposable
{
    private const string RabbitMQProgram = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    private const string RedisProgram = "/usr/bin/redis-server";

    private readonly BrokerKind _kind;
    private readonly string _folder = Directory.CreateTempSubdirectory("broker-").FullName;
    private readonly List<ServerProcess> _processes = [];

    private BrokerProcess(BrokerKind kind) => _kind = kind;

    /// <summary>The CPU time of the broker so far.</summary>
    public TimeSpan CpuTime => _processes[^1].CpuTime;

    /// <summary>What a node is told to find it.</summary>
    public string Argument => _kind == BrokerKind.Redis
        ? string.Create(CultureInfo.InvariantCulture, $"--redis={_processes[^1].Port}")
        : string.Create(CultureInfo.InvariantCulture, $"--Events:RabbitMQ=amqp://127.0.0.1:{_processes[^1].Port}");

    /// <summary>Whether the program is installed.</summary>
    public static bool IsInstalled(BrokerKind kind) => kind switch
    {
        BrokerKind.RabbitMQ => File.Exists(RabbitMQProgram),
        BrokerKind.Redis => File.Exists(RedisProgram),
        _ => true,
    };

    /// <summary>Starts one, and waits until it listens; null for none.</summary>
    public static BrokerProcess? Start(BrokerKind kind)
    {
        if (kind == BrokerKind.None)
        {
            return null;
        }

        var broker = new BrokerProcess(kind);
        try
        {
            if (kind == BrokerKind.Redis)
            {
                broker.StartRedis();
            }
            else
            {
                broker.StartRabbitMQ();
            }

            return broker;
        }
        catch
        {
            broker.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        for (int i = _processes.Count - 1; i >= 0; i--)
        {
            _processes[i].Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private void StartRedis()
    {
        int port = ServerProcess.FindFreePort();
        string[] arguments = ["--bind", "127.0.0.1", "--port", Text(port), "--save", "", "--appendonly", "no", "--dir", _folder];
        _processes.Add(ServerProcess.Start(new ProcessStartInfo(RedisProgram, arguments), port));
    }

    private void StartRabbitMQ()
    {
        int names = ServerProcess.FindFreePort();
        _processes.Add(ServerProcess.Start(new ProcessStartInfo("epmd", ["-port", Text(names), "-address", "127.0.0.1"]), names));
        int port = ServerProcess.FindFreePort();
        File.WriteAllText(Path.Combine(_folder, "plugins"), "[].");
        File.WriteAllText(Path.Combine(_folder, "rabbitmq.conf"), $"listeners.tcp.1 = 127.0.0.1:{Text(port)}\nlog.console.level = warning\n");
        string[] arguments =
        [
            "-i", $"PATH={Environment.GetEnvironmentVariable("PATH")}", $"HOME={_folder}", "LANG=C.UTF-8",
            $"ERL_EPMD_PORT={Text(names)}", "ERL_EPMD_ADDRESS=127.0.0.1", $"RABBITMQ_DIST_PORT={Text(ServerProcess.FindFreePort())}",
            "RABBITMQ_CONF_ENV_FILE=/dev/null", $"RABBITMQ_NODENAME={Path.GetFileName(_folder)}@localhost",
            $"RABBITMQ_CONFIG_FILE={_folder}/rabbitmq.conf", $"RABBITMQ_ENABLED_PLUGINS_FILE={_folder}/plugins",
            $"RABBITMQ_MNESIA_BASE={_folder}/data", $"RABBITMQ_LOG_BASE={_folder}/log", $"RABBITMQ_PID_FILE={_folder}/pid", "RABBITMQ_LOGS=-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",

            // The script becomes the broker then, instead of waiting for it.
            "detached=1", RabbitMQProgram,
        ];
        _processes.Add(ServerProcess.Start(new ProcessStartInfo("/usr/bin/env", arguments), port));
    }
}
