using System.Globalization;

namespace WsServer.Tests.Support;

/// <summary>A real nginx in front of a server, as a process of its own with its files in a folder of its own.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private readonly string _folder;
    private readonly RunningProcess _process;

    private Nginx(string folder, RunningProcess process, int port, bool isTls)
    {
        _folder = folder;
        _process = process;
        Port = port;
        Ws = new Uri(string.Create(CultureInfo.InvariantCulture, $"{(isTls ? "wss" : "ws")}://localhost:{port}/"));
        Http = new Uri(string.Create(CultureInfo.InvariantCulture, $"{(isTls ? "https" : "http")}://localhost:{port}/"));
    }

    public int Port { get; }

    public Uri Ws { get; }

    public Uri Http { get; }

    /// <summary>Starts it, and waits until it answers.</summary>
    /// <param name="upstreams">The servers behind it.</param>
    /// <param name="authority">Whose certificate it has; without, it speaks plainly.</param>
    public static async Task<Nginx> StartAsync(IReadOnlyList<Uri> upstreams, CertificateAuthority? authority = null)
    {
        string folder = Directory.CreateTempSubdirectory("nginx-").FullName;
        int port = FreePort.Find();
        string tls = "";
        if (authority is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "server.pem"), authority.ServerPem);
            await File.WriteAllTextAsync(Path.Combine(folder, "server.key"), authority.ServerKeyPem);
            tls = $"ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;";
        }

        // The part within "server" is what docs/guide.md says.
        string configuration = $$"""
            worker_processes 1;
            daemon off;
            pid {{folder}}/nginx.pid;
            error_log stderr warn;
            events { worker_connections 2048; }
            http {
                access_log off;
                client_body_temp_path {{folder}}/body;
                proxy_temp_path {{folder}}/proxy;
                fastcgi_temp_path {{folder}}/fastcgi;
                uwsgi_temp_path {{folder}}/uwsgi;
                scgi_temp_path {{folder}}/scgi;
                map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
                upstream servers { {{string.Concat(upstreams.Select(u => $"server {u.Authority}; "))}} }
                server {
                    listen 127.0.0.1:{{port}}{{(authority is null ? "" : " ssl http2")}};
                    server_name localhost;
                    {{tls}}
                    location / {
                        proxy_pass http://servers;
                        proxy_http_version 1.1;
                        proxy_set_header Upgrade $http_upgrade;
                        proxy_set_header Connection $connection_upgrade;
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        proxy_set_header X-Forwarded-Proto $scheme;
                        proxy_read_timeout 60s;
                    }
                }
            }
            """;
        return await StartAsync(folder, configuration, port, isTls: authority is not null);
    }

    /// <summary>Starts it with the configuration of <c>samples/ScaleOut</c>.</summary>
    /// <param name="nodes">The nodes behind it, in place of those of the sample.</param>
    public static Task<Nginx> StartSampleAsync(IReadOnlyList<Uri> nodes)
    {
        int port = FreePort.Find();
        string configuration = "daemon off;\n" + SampleConfiguration.Read("nginx.conf", port, nodes);
        return StartAsync(Directory.CreateTempSubdirectory("nginx-").FullName, configuration, port, isTls: false);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<Nginx> StartAsync(string folder, string configuration, int port, bool isTls)
    {
        string file = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(file, configuration);
        RunningProcess process = RunningProcess.Start(Requirements.Nginx!, "-p", folder, "-e", "stderr", "-c", file);
        var nginx = new Nginx(folder, process, port, isTls);
        await Within.UntilAsync(() => FreePort.IsTaken(port), $"nginx listens; it said: {process.Transcript}");
        return nginx;
    }
}
