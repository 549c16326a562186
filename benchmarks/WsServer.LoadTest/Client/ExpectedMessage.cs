using System.Text;

namespace WsServer.LoadTest.Client;

/// <summary>A message as a server has to send it, byte for byte, for any number.</summary>
internal sealed class ExpectedMessage
{
    private readonly byte[] _text;
    private readonly int _numberAt;
    private readonly int _idAt;
    private long _number;

    /// <param name="text">The message, with <see cref="Payload.NumberMark"/> and, if it is an ack, <see cref="Payload.IdMark"/>.</param>
    public ExpectedMessage(string text)
    {
        _text = Encoding.UTF8.GetBytes(text);
        _numberAt = text.IndexOf(Payload.NumberMark, StringComparison.Ordinal);
        _idAt = text.IndexOf(Payload.IdMark, StringComparison.Ordinal);
    }

    /// <summary>Whether it is this message with this number.</summary>
    public bool Matches(ReadOnlySpan<byte> message, long number)
    {
        // The receivers of a fan-out follow each other with the same number.
        if (_number != number)
        {
            Set(number);
        }

        return message.SequenceEqual(_text);
    }

    public string Describe(long number)
    {
        Set(number);
        return Encoding.UTF8.GetString(_text);
    }

    private void Set(long number)
    {
        _number = number;
        Payload.Write(_text.AsSpan(_numberAt, Payload.NumberMark.Length), number);
        if (_idAt >= 0)
        {
            Payload.Write(_text.AsSpan(_idAt, Payload.IdMark.Length), Payload.IdOf(number));
        }
    }
}
