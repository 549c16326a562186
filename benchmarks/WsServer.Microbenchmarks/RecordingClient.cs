using System.Text;
using WsServer.Connections;

namespace WsServer.Microbenchmarks;

/// <summary>A client that keeps the last message it got, for finding out before a benchmark whether the answer is right.</summary>
internal sealed class RecordingClient(Deliveries all) : MemoryTransport(all)
{
    private readonly Deliveries _all = all;
    private bool _isRecording;
    private string _last = "";

    /// <summary>Fails unless the server answers a message with this one.</summary>
    /// <param name="message">What this client says.</param>
    /// <param name="answer">What it is to get.</param>
    /// <param name="deliveries">How many clients get it.</param>
    public void Expect(TransportMessage message, string answer, int deliveries = 1)
    {
        Volatile.Write(ref _isRecording, true);
        _all.Expect(deliveries);
        Deliver([message]);
        _all.Wait();
        Volatile.Write(ref _isRecording, false);
        if (_last != answer)
        {
            throw new InvalidOperationException($"The server answered {_last}; it should have been {answer}.");
        }
    }

    protected override void OnSent(ReadOnlySpan<byte> message)
    {
        if (Volatile.Read(ref _isRecording))
        {
            _last = Encoding.UTF8.GetString(message);
        }
    }
}
