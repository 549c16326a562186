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
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _conflated;
    private readonly Counter<long> _ackTimeouts;
    private readonly Counter<long> _recoveries;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _rateLimited;
    private readonly Counter<long> _logFailures;
    private readonly Counter<long> _backplaneSent;
    private readonly Counter<long> _backplaneSentBytes;
    private readonly Counter<long> _backplaneReceived;
    private readonly Counter<long> _backplaneReceivedBytes;
    private readonly Counter<long> _backplaneDropped;
    private readonly Counter<long> _backplaneIgnored;
    private readonly Counter<long> _backplaneConnects;
    private readonly Counter<long> _backplaneTimeouts;
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
        _dropped = meter.CreateCounter<long>("wsserver.events.dropped", "{event}", "Events that a client missed because it did not keep up, by policy.");
        _conflated = meter.CreateCounter<long>("wsserver.events.conflated", "{event}", "Events that a newer one of their key replaced before they were sent.");
        _ackTimeouts = meter.CreateCounter<long>("wsserver.acks.timeouts", "{ack}", "Acks that clients did not give in time.");
        _recoveries = meter.CreateCounter<long>("wsserver.recoveries", "{socket}", "Sockets whose client asked to come back, by whether it could.");
        _refused = meter.CreateCounter<long>("wsserver.connections.refused", "{connection}", "Attempts to connect that were refused, by the limit that they met.");
        _rateLimited = meter.CreateCounter<long>("wsserver.rate_limited", "{message}", "Messages dropped because there were too many, by whose rate they were over.");
        _logFailures = meter.CreateCounter<long>("wsserver.log.failures", "{message}", "Log messages that could not be written.");
        _backplaneSent = meter.CreateCounter<long>("wsserver.backplane.sent", "{message}", "Messages that went to other nodes.");
        _backplaneSentBytes = meter.CreateCounter<long>("wsserver.backplane.sent.bytes", "By", "Their bytes.");
        _backplaneReceived = meter.CreateCounter<long>("wsserver.backplane.received", "{message}", "Messages that came from other nodes.");
        _backplaneReceivedBytes = meter.CreateCounter<long>("wsserver.backplane.received.bytes", "By", "Their bytes.");
        _backplaneDropped = meter.CreateCounter<long>("wsserver.backplane.dropped", "{event}", "What other nodes were to get and did not, by why.");
        _backplaneIgnored = meter.CreateCounter<long>("wsserver.backplane.ignored", "{message}", "What came from the backplane and was not used, by why.");
        _backplaneConnects = meter.CreateCounter<long>("wsserver.backplane.connects", "{connection}", "Connections of the backplane.");
        _backplaneTimeouts = meter.CreateCounter<long>("wsserver.backplane.timeouts", "{request}", "Requests that not all nodes have answered in time.");
    }

    /// <summary>Has the nodes, the subscriptions and what waits for the backplane counted when somebody collects.</summary>
    public void ObserveBackplane(Func<int> nodes, Func<int> subscriptions, Func<long> queued)
    {
        _meter.CreateObservableUpDownCounter("wsserver.backplane.nodes", nodes, "{node}", "Nodes, this one included.");
        _meter.CreateObservableUpDownCounter("wsserver.backplane.subscriptions", subscriptions, "{channel}", "Channels that this node is subscribed to.");
        _meter.CreateObservableUpDownCounter("wsserver.backplane.queued", queued, "By", "What waits for the backplane.");
    }

    public void BackplaneSent(int bytes)
    {
        _backplaneSent.Add(1);
        _backplaneSentBytes.Add(bytes);
    }

    public void BackplaneReceived(int bytes)
    {
        _backplaneReceived.Add(1);
        _backplaneReceivedBytes.Add(bytes);
    }

    /// <param name="reason">One of our words.</param>
    /// <param name="count">How many.</param>
    public void BackplaneDropped(string reason, int count) => _backplaneDropped.Add(count, new KeyValuePair<string, object?>("reason", reason));

    /// <param name="reason">One of our words.</param>
    public void BackplaneIgnored(string reason) => _backplaneIgnored.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void BackplaneConnected() => _backplaneConnects.Add(1);

    public void BackplaneTimeout() => _backplaneTimeouts.Add(1);

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

    public void Dropped(string policy) => _dropped.Add(1, new KeyValuePair<string, object?>("policy", policy));

    public void Conflated() => _conflated.Add(1);

    public void LogFailure() => _logFailures.Add(1);

    public void AckTimeout() => _ackTimeouts.Add(1);

    /// <param name="limit">One of our words.</param>
    public void Refused(string limit) => _refused.Add(1, new KeyValuePair<string, object?>("limit", limit));

    /// <param name="scope">One of our words.</param>
    public void RateLimited(string scope) => _rateLimited.Add(1, new KeyValuePair<string, object?>("scope", scope));

    public void Recovery(bool isRecovered) => _recoveries.Add(1, new KeyValuePair<string, object?>("recovered", isRecovered));
}
