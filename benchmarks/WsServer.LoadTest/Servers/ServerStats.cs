namespace WsServer.LoadTest.Servers;

/// <summary>What a server answers to <c>GET /stats</c>; a server leaves out what it does not know.</summary>
internal sealed record ServerStats(long? AllocatedBytes, int? Gen0, int? Gen1, int? Gen2, long? HeapBytes, double? GcPauseMs);
