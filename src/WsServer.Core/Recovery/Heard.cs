namespace WsServer.Recovery;

/// <summary>How far a node had heard each of the others, itself included, when it gave sockets away.</summary>
/// <param name="numbers">The last number of each that it had handled.</param>
internal sealed class Heard(IReadOnlyDictionary<string, long> numbers)
{
    public IReadOnlyDictionary<string, long> Numbers => numbers;

    /// <summary>Whether it has dealt with an event, or would never have got it.</summary>
    public bool Has(Origin origin) =>
        origin.Number == 0 || (numbers.TryGetValue(origin.Node!, out long last) && origin.Number <= last);
}
