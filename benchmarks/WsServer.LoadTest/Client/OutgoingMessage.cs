using System.Text;

namespace WsServer.LoadTest.Client;

/// <summary>A client's frame with a message, masked, in which only the number changes from one to the next.</summary>
internal sealed class OutgoingMessage
{
    private readonly byte[] _frame;
    private readonly int _payloadAt;
    private readonly int _numberAt;
    private readonly int _idAt;

    /// <param name="text">The message, with <see cref="Payload.NumberMark"/> and, if it wants an ack, <see cref="Payload.IdMark"/>.</param>
    public OutgoingMessage(string text)
    {
        byte[] payload = Encoding.UTF8.GetBytes(text);
        _frame = Frame.Write(FrameKind.Text, payload);
        _payloadAt = _frame.Length - payload.Length;
        _numberAt = text.IndexOf(Payload.NumberMark, StringComparison.Ordinal);
        _idAt = text.IndexOf(Payload.IdMark, StringComparison.Ordinal);
    }

    /// <summary>The length of the frame.</summary>
    public int Length => _frame.Length;

    /// <summary>The frame with this number; valid until the next call.</summary>
    public ReadOnlySpan<byte> With(long number)
    {
        Set(_numberAt, Payload.NumberMark.Length, number);
        if (_idAt >= 0)
        {
            Set(_idAt, Payload.IdMark.Length, Payload.IdOf(number));
        }

        return _frame;
    }

    private void Set(int at, int length, long value)
    {
        Span<byte> place = _frame.AsSpan(_payloadAt + at, length);
        Payload.Write(place, value);
        Frame.Mask(place, at);
    }
}
