using System.Diagnostics.Metrics;

namespace WsServer.Diagnostics;

/// <summary>What the server counts, as instruments of the meter <c>WsServer</c>.</summary>
internal sealed class EventMetrics
{
    public const string MeterName = "WsServer";

    private readonly UpDownCounter<int> _connections;
    private readonly Counter<long> _received;
    private readonly Counter<long> _unknown;
    private readonly Counter<long> _errors;
    private readonly Counter<long> _slowConsumers;
    private readonly Counter<long> _volatileDropped;
    private readonly Counter<long> _ackTimeouts;
    private readonly Counter<long> _recoveries;
    private readonly Counter<long> _logFailures;
    private readonly Meter _meter;

    public EventMetrics(IMeterFactory factory)
    {
        Meter meter = factory.Create(MeterName);
        _meter = meter;
        _connections = meter.CreateUpDownCounter<int>("wsserver.connections", "{connection}", "Open connections.");
        _received = meter.CreateCounter<long>("wsserver.events.received", "{event}", "Events received from clients.");
        _unknown = meter.CreateCounter<long>("wsserver.events.unknown", "{event}", "Received events that have no handler.");
        _errors = meter.CreateCounter<long>("wsserver.errors", "{error}", "Errors sent to clients, by code.");
        _slowConsumers = meter.CreateCounter<long>("wsserver.slow_consumers", "{connection}", "Connections ended because the client did not read.");
        _volatileDropped = meter.CreateCounter<long>("wsserver.volatile.dropped", "{event}", "Volatile events dropped because an outbox was full.");
        _ackTimeouts = meter.CreateCounter<long>("wsserver.acks.timeouts", "{ack}", "Acks that clients did not give in time.");
        _recoveries = meter.CreateCounter<long>("wsserver.recoveries", "{socket}", "Sockets whose client asked to come back, by whether it could.");
        _logFailures = meter.CreateCounter<long>("wsserver.log.failures", "{message}", "Log messages that could not be written.");
    }

    /// <summary>Has the handlers that run counted when somebody collects.</summary>
    public void ObserveHandlers(Func<int> running, Func<int> hung)
    {
        _meter.CreateObservableUpDownCounter("wsserver.handlers.running", running, "{handler}", "Handlers that run.");
        _meter.CreateObservableUpDownCounter("wsserver.handlers.hung", hung, "{handler}", "Handlers that have been running for longer than HungHandlerAfter.");
    }

    public void ConnectionOpened() => _connections.Add(1);

    public void ConnectionClosed() => _connections.Add(-1);

    public void EventReceived() => _received.Add(1);

    public void UnknownEvent() => _unknown.Add(1);

    // The code is one of ours or of a handler, never text of a client, so the number of series is bounded.
    public void Error(string code) => _errors.Add(1, new KeyValuePair<string, object?>("code", code));

    public void SlowConsumer() => _slowConsumers.Add(1);

    public void VolatileDropped() => _volatileDropped.Add(1);

    public void LogFailure() => _logFailures.Add(1);

    public void AckTimeout() => _ackTimeouts.Add(1);

    public void Recovery(bool isRecovered) => _recoveries.Add(1, new KeyValuePair<string, object?>("recovered", isRecovered));
}
