namespace WsServer.LoadTest.Scenarios;

/// <summary>All scenarios, in the order in which they run. Those of a group need ever more connections.</summary>
internal static class Catalog
{
    public static IReadOnlyList<Scenario> Full { get; } =
    [
        new Acks(1),
        new Acks(100),
        new FanOut(100, 1),
        new FanOut(100, 16),
        new Acks(1000),
        new FanOut(1000, 1),
        new FanOut(1000, 16),
        new FanOut(5000, 1),
        new FanOut(5000, 16),
        new RoomTalk(2000),
        new RatedFanOut(100, rate: 200),
        new RatedFanOut(1000, rate: 20),
        new RatedAcks(1000, rate: 10_000),
        new RatedRooms(2000, rate: 2000),
        new Idle("idle", 5000),
        new Idle("idle-18000", 18_000),
        new ConnectRate(5000),
        new SlowReaders(1000, broadcasts: 300),
        new StalledReaders(readers: 500, stalled: 500, rate: 50),
    ];

    /// <summary>Each kind once, with few connections: whether it works, not how fast it is.</summary>
    public static IReadOnlyList<Scenario> Quick { get; } =
    [
        new Acks(1),
        new FanOut(100, 1),
        new FanOut(100, 16),
        new RoomTalk(100),
        new RatedFanOut(100, rate: 200),
        new Idle("idle", 200),
        new ConnectRate(200),
        new SlowReaders(100, broadcasts: 300),
        new StalledReaders(readers: 50, stalled: 50, rate: 100),
    ];

    /// <summary>
    /// For servers of several nodes: the same rooms over all nodes, and on one each. Those that go as fast as they can come
    /// first, so that every node has warmed up for the few messages of the others.
    /// </summary>
    public static IReadOnlyList<Scenario> ScaleOut { get; } =
    [
        new RoomTalk(900, Spread.Evenly),
        new RatedRooms(900, rate: 300, Spread.Evenly),
        new RatedFanOut(900, rate: 10, Spread.Evenly),
        new RoomTalk(900, Spread.ByRoom),
        new RatedRooms(900, rate: 300, Spread.ByRoom),
    ];

    /// <summary>The same, quickly.</summary>
    public static IReadOnlyList<Scenario> ScaleOutQuick { get; } =
    [
        new RoomTalk(60, Spread.Evenly),
        new RatedRooms(60, rate: 100, Spread.Evenly),
        new RatedFanOut(60, rate: 20, Spread.Evenly),
    ];
}
