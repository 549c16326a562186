using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using WsServer;
using WsServer.Backplane;
using WsServer.Diagnostics;
using WsServer.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the event server to the services.</summary>
public static class EventServiceExtensions
{
    /// <summary>
    /// Adds the event server. Its options come from the configuration section <c>Events</c>, then from
    /// <paramref name="configure"/>; a wrong one stops the host when it starts.
    /// </summary>
    public static IServiceCollection AddEvents(this IServiceCollection services, Action<EventServerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<EventServerOptions> options = services.AddOptions<EventServerOptions>().BindConfiguration(EventServerOptions.SectionName);
        return Add(services, configure is null ? options : options.Configure(configure));
    }

    /// <summary>Adds the event server with its options from another section of the configuration.</summary>
    public static IServiceCollection AddEvents(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        return Add(services, services.AddOptions<EventServerOptions>().Bind(configuration));
    }

    private static IServiceCollection Add(IServiceCollection services, OptionsBuilder<EventServerOptions> options)
    {
        options.ValidateOnStart();
        AddTokenHiding(services);
        services.AddMetrics();
        services.AddRouting();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<EventMetrics>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<EventServerOptions>, EventServerOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<MatcherPolicy, UpgradeMatcherPolicy>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, EventServerShutdown>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, DirectListenerFactory>());
        services.TryAddSingleton(provider => new EventServer(CreateRuntime(provider)));
        return services;
    }

    // In front of the one there is. A host that comes to it later adds none of its own.
    private static void AddTokenHiding(IServiceCollection services)
    {
        if (services.Any(d => d.ServiceType == typeof(EventServer)))
        {
            return;
        }

        ServiceDescriptor? former = services.LastOrDefault(d => d.ServiceType == typeof(IHttpContextFactory) && !d.IsKeyedService);
        services.AddSingleton<IHttpContextFactory>(provider => new TokenHidingContextFactory(
            (IHttpContextFactory)(former?.ImplementationInstance
                ?? former?.ImplementationFactory?.Invoke(provider)
                ?? ActivatorUtilities.CreateInstance(provider, former?.ImplementationType ?? typeof(DefaultHttpContextFactory))),
            provider.GetRequiredService<IOptions<EventServerOptions>>().Value.TokenInQuery));
    }

    private static EventRuntime CreateRuntime(IServiceProvider provider)
    {
        EventServerOptions options = provider.GetRequiredService<IOptions<EventServerOptions>>().Value;
        EventMetrics metrics = provider.GetRequiredService<EventMetrics>();
        return new EventRuntime(
            options,
            new EventSerializer(options.GetJsonSerializerOptions() ?? provider.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions),
            provider.GetRequiredService<TimeProvider>(),
            new SteadyLogger(provider.GetRequiredService<ILoggerFactory>().CreateLogger("WsServer"), metrics),
            metrics,
            provider.GetRequiredService<IServiceScopeFactory>(),
            provider.GetService<IHostEnvironment>()?.IsDevelopment() ?? false)
        {
            Loggers = provider.GetRequiredService<ILoggerFactory>(),
            Backplane = provider.GetService<IBackplane>(),
            Memory = provider.GetService<MemoryProbe>() ?? new MemoryProbe(),
        };
    }
}
