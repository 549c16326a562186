using Microsoft.Extensions.Options;

namespace WsServer.RabbitMQ;

/// <summary>Names each option that is wrong. The URI, which may have a password, is never quoted.</summary>
internal sealed class RabbitMQOptionsValidator : IValidateOptions<RabbitMQOptions>
{
    private const int MaxExchangeName = 200;

    public ValidateOptionsResult Validate(string? name, RabbitMQOptions options)
    {
        var errors = new List<string>();
        if (BrokerAddress.Parse(options.Uri, out string? error) is null)
        {
            Wrong($"{nameof(options.Uri)} {error}");
        }

        // The names of queues begin with it, and are limited to 255 bytes; "amq." is the broker's own.
        if (options.Exchange is null or { Length: 0 or > MaxExchangeName } || !options.Exchange.All(IsOfName) || options.Exchange.StartsWith("amq.", StringComparison.Ordinal))
        {
            Wrong($"{nameof(options.Exchange)} is '{options.Exchange}'; it must have 1 to {MaxExchangeName} letters, digits, '.', '-' and '_', and not begin with 'amq.'.");
        }

        Between(nameof(options.QueueExpires), options.QueueExpires, TimeSpan.FromSeconds(1), TimeSpan.FromDays(7));
        Between(nameof(options.MaxQueueBytes), options.MaxQueueBytes, 1, long.MaxValue);
        Between(nameof(options.MaxMessageBytes), options.MaxMessageBytes, 1, BrokerSettings.LargestMessage);
        Between(nameof(options.Prefetch), options.Prefetch, 1, ushort.MaxValue);
        Between(nameof(options.Heartbeat), options.Heartbeat, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        Between(nameof(options.ConnectTimeout), options.ConnectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
        Between(nameof(options.MinReconnectDelay), options.MinReconnectDelay, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Between(nameof(options.MaxReconnectDelay), options.MaxReconnectDelay, options.MinReconnectDelay, TimeSpan.FromHours(1));
        if (options.TlsAuthorities is { } file && !File.Exists(file))
        {
            Wrong($"{nameof(options.TlsAuthorities)} is '{file}', where there is no file.");
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

        void Wrong(string what) => errors.Add($"{RabbitMQOptions.SectionName}:{what}");

        void Between<T>(string option, T value, T least, T most)
            where T : IComparable<T>
        {
            if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            {
                Wrong($"{option} is {value}; it must be at least {least} and at most {most}.");
            }
        }
    }

    private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_';
}
