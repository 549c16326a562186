using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using WsServer.RabbitMQ;
using WsServer.Tests.Support;

namespace WsServer.Tests.Backplane;

/// <summary>Makes backplanes on RabbitMQ without a host.</summary>
internal static class RabbitMQNodes
{
    public static RabbitMQBackplane Create(string uri, Action<RabbitMQOptions>? configure = null, CollectedLog? log = null, TimeProvider? time = null)
    {
        var options = new RabbitMQOptions { Uri = uri };
        configure?.Invoke(options);
        ValidateOptionsResult result = new RabbitMQOptionsValidator().Validate(null, options);
        if (result.Failed)
        {
            throw new ArgumentException(result.FailureMessage, nameof(configure));
        }

        ILoggerFactory loggers = log is null ? NullLoggerFactory.Instance : LoggerFactory.Create(b => b.SetMinimumLevel(LogLevel.Debug).AddProvider(log));
        return new RabbitMQBackplane(Options.Create(options), loggers, time ?? TimeProvider.System);
    }
}
