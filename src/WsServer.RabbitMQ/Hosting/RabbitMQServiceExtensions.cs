using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using WsServer.Backplane;
using WsServer.RabbitMQ;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Makes the event server one of several nodes that share their namespaces and rooms through RabbitMQ.</summary>
public static class RabbitMQServiceExtensions
{
    /// <summary>
    /// Adds RabbitMQ as the backplane. Its options come from the configuration section <c>Events:RabbitMQ</c>, whose own
    /// value may be the URI, and then from <paramref name="configure"/>; a wrong one stops the host when it starts.
    /// </summary>
    public static IServiceCollection AddRabbitMQ(this IServiceCollection services, Action<RabbitMQOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<RabbitMQOptions> options = services.AddOptions<RabbitMQOptions>().BindConfiguration(RabbitMQOptions.SectionName);
        options.Configure<IConfiguration>((o, configuration) => o.Uri = configuration[RabbitMQOptions.SectionName] is { Length: > 0 } uri ? uri : o.Uri);
        if (configure is not null)
        {
            options.Configure(configure);
        }

        options.ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RabbitMQOptions>, RabbitMQOptionsValidator>());
        services.TryAddSingleton<IBackplane, RabbitMQBackplane>();
        return services;
    }

    /// <summary>Adds RabbitMQ as the backplane, with the broker that a URI names.</summary>
    /// <param name="services">The services.</param>
    /// <param name="uri">Where the broker is: see <see cref="RabbitMQOptions.Uri"/>.</param>
    /// <param name="configure">Sets other options.</param>
    public static IServiceCollection AddRabbitMQ(this IServiceCollection services, string uri, Action<RabbitMQOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(uri);
        return services.AddRabbitMQ(options =>
        {
            options.Uri = uri;
            configure?.Invoke(options);
        });
    }
}
