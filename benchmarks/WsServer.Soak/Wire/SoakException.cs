namespace WsServer.Soak.Wire;

/// <summary>The server has not done what it promises.</summary>
internal sealed class SoakException(string message) : Exception(message);
