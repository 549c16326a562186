using Microsoft.AspNetCore.Builder;

namespace WsServer;

/// <summary>
/// What is required of endpoints with the framework's own methods (<c>RequireAuthorization</c>, <c>WithMetadata</c>, …) holds
/// for every endpoint that leads to the server, whether it is mapped before or after.
/// </summary>
public sealed partial class EventServer : IEndpointConventionBuilder
{
    private readonly List<Action<EndpointBuilder>> _conventions = [];
    private readonly List<Action<EndpointBuilder>> _finalConventions = [];
    private bool _areConventionsUsed;

    void IEndpointConventionBuilder.Add(Action<EndpointBuilder> convention) => Add(_conventions, convention);

    void IEndpointConventionBuilder.Finally(Action<EndpointBuilder> finalConvention) => Add(_finalConventions, finalConvention);

    internal void ApplyConventions(EndpointBuilder endpoint) => Apply(_conventions, endpoint);

    internal void ApplyFinalConventions(EndpointBuilder endpoint) => Apply(_finalConventions, endpoint);

    private void Add(List<Action<EndpointBuilder>> conventions, Action<EndpointBuilder> convention)
    {
        ArgumentNullException.ThrowIfNull(convention);
        lock (_conventions)
        {
            // An endpoint without what is required of it would be an open door.
            conventions.Add(_areConventionsUsed
                ? throw new InvalidOperationException("The endpoints are built: what is required of them is to be said before the server starts.")
                : convention);
        }
    }

    private void Apply(List<Action<EndpointBuilder>> conventions, EndpointBuilder endpoint)
    {
        Action<EndpointBuilder>[] all;
        lock (_conventions)
        {
            _areConventionsUsed = true;
            all = [.. conventions];
        }

        foreach (Action<EndpointBuilder> convention in all)
        {
            convention(endpoint);
        }
    }
}
