namespace WsServer.LoadTest.Client;

/// <summary>A server did not do what it should: the cell of the table is FAILED, for this reason.</summary>
internal sealed class LoadException(string message) : Exception(message);
