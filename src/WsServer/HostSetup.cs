using System.Globalization;

/// <summary>Where the server listens and where its page lies.</summary>
internal static class HostSetup
{
    /// <summary>
    /// Listens on localhost at the default port, unless <c>--urls</c>, <c>ASPNETCORE_URLS</c> or <c>ASPNETCORE_HTTP_PORTS</c> say where; with
    /// <c>PORT</c>, as hosting platforms set it, on every address at that port.
    /// </summary>
    public static void UsePort(this WebApplicationBuilder builder, int defaultPort)
    {
        string? port = builder.Configuration["PORT"];
        if (builder.Configuration["urls"] is not null || builder.Configuration["http_ports"] is not null)
        {
            return;
        }

        if (port is null && builder.Configuration["AllowedHosts"] is null or "*")
        {
            // For this machine only: a page that has its own name lead here (DNS rebinding) is not to be answered.
            builder.Configuration["AllowedHosts"] = "localhost;127.0.0.1;[::1]";
        }

        builder.WebHost.UseUrls(port is null
            ? string.Create(CultureInfo.InvariantCulture, $"http://localhost:{defaultPort}")
            : $"http://*:{port}");
    }

    /// <summary>Makes this server one of several nodes when <c>Events:RabbitMQ</c> (<c>Events__RabbitMQ</c>) names a broker or sets an option of it.</summary>
    public static void UseRabbitMQ(this WebApplicationBuilder builder)
    {
        IConfigurationSection section = builder.Configuration.GetSection("Events:RabbitMQ");
        if (section.Value is { Length: > 0 } || section.GetChildren().Any())
        {
            builder.Services.AddRabbitMQ();
        }
    }

    /// <summary>Serves the page from beside the program, where the build puts it, wherever the program is started from.</summary>
    public static void UsePageFolder(this WebApplicationBuilder builder) =>
        builder.Environment.WebRootFileProvider = new Microsoft.Extensions.FileProviders.PhysicalFileProvider(Path.Combine(AppContext.BaseDirectory, "wwwroot"));
}
