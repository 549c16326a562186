namespace WsServer.LoadTest.Scenarios;

/// <summary>How the connections of a scenario are spread over the nodes of a server.</summary>
internal enum Spread
{
    /// <summary>All are on the first; the scenarios for servers that are one process.</summary>
    OneNode,

    /// <summary>Evenly, and so are the members of each room.</summary>
    Evenly,

    /// <summary>Each room is on one node: what a server with many small rooms may get from its balancer.</summary>
    ByRoom,
}

/// <summary>What follows from a <see cref="Spread"/>.</summary>
internal static class SpreadExtensions
{
    public static string NameOf(this Spread spread, string name) => spread switch
    {
        Spread.Evenly => $"{name}-spread",
        Spread.ByRoom => $"{name}-near",
        _ => name,
    };

    /// <summary>Those of several nodes share a server, as its connections are placed alike.</summary>
    public static string GroupOf(this Spread spread, string group) => spread == Spread.OneNode ? group : spread.NameOf("nodes");

    public static string Describe(this Spread spread) => spread switch
    {
        Spread.Evenly => ", the members of each spread over all nodes",
        Spread.ByRoom => ", each room on one node",
        _ => "",
    };

    /// <summary>The node of each connection. Who talks first is on another node in the next room.</summary>
    public static Func<int, int> NodeOf(this Spread spread, int nodes) => spread switch
    {
        Spread.Evenly => index => (index + (index / SmallRooms.Members)) % nodes,
        Spread.ByRoom => index => index / SmallRooms.Members % nodes,
        _ => static _ => 0,
    };
}
