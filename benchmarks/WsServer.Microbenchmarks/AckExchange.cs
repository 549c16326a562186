namespace WsServer.Microbenchmarks;

/// <summary>A socket that is asked, and its client that answers.</summary>
internal sealed class AckExchange
{
    public const int Batch = 64;

    private readonly MemoryServer _server;
    private readonly AnsweringClient _client;
    private readonly EventSocket _socket;
    private readonly JsonArguments _data;
    private readonly Task<JsonArguments>[] _answers = new Task<JsonArguments>[Batch];

    public AckExchange(MemoryServer server)
    {
        _server = server;
        (_client, _socket) = server.Connect(deliveries => new AnsweringClient(deliveries, Batch));
        _data = server.Io.Serializer.Write(new string('x', 100));
        Run();
        if (_answers[0].Result.ToString() != AnsweringClient.Answer)
        {
            throw new InvalidOperationException($"The ack came as {_answers[0].Result}; it should have been {AnsweringClient.Answer}.");
        }
    }

    /// <summary>Asks so many times, and waits for as many acks.</summary>
    public void Run()
    {
        _server.Deliveries.Expect(Batch);
        for (int i = 0; i < Batch; i++)
        {
            _answers[i] = _socket.EmitWithAckAsync("ask", _data);
        }

        _server.Deliveries.Wait();
        _client.AnswerAll();
        foreach (Task<JsonArguments> answer in _answers)
        {
            Deadline deadline = default;
            while (!answer.IsCompleted)
            {
                deadline.Spin("the ack arrives");
            }

            _ = answer.Result;
        }
    }
}
