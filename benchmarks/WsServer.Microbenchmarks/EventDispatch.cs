using BenchmarkDotNet.Attributes;
using WsServer.Connections;

namespace WsServer.Microbenchmarks;

/// <summary>
/// An event's whole way from the transport through its handler to the ack on the transport. One client asks 64 times
/// without waiting, so that the waking of a thread is not what is measured.
/// </summary>
public class EventDispatch : ServerBenchmark
{
    public const int Batch = 64;

    private RecordingClient _client = null!;
    private TransportMessage[] _questions = [];

    [GlobalSetup(Target = nameof(Raw))]
    public void SetUpRaw() => SetUp(io => io.OnRaw("ask", (_, data) => data), Messages.Data, Messages.Data);

    [GlobalSetup(Target = nameof(Json))]
    public void SetUpJson() => SetUp(
        io => io.On("ask", (EventSocket _, JsonArguments data) => Task.FromResult(data)),
        Messages.Data,
        Messages.Data);

    [GlobalSetup(Target = nameof(Typed))]
    public void SetUpTyped() => SetUp(
        io => io.On<Question, Reply>("ask", (_, question) => new Reply(question.Room, question.Text.Length)),
        """{"room":"garden","text":"How are you?"}""",
        """{"room":"garden","length":12}""");

    [GlobalSetup(Target = nameof(Async))]
    public void SetUpAsync() => SetUp(
        io => io.On("ask", async (EventSocket _, JsonArguments data) =>
        {
            await Task.Yield();
            return data;
        }),
        Messages.Data,
        Messages.Data);

    /// <summary>A handler over the JSON where it lies, which answers with the same.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Batch)]
    public void Raw() => AskAll();

    /// <summary>A handler over a copy of the JSON, which it may keep.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public void Json() => AskAll();

    /// <summary>A handler that takes a record and answers with one.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public void Typed() => AskAll();

    /// <summary>A handler that answers after it has waited for something.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public void Async() => AskAll();

    private void SetUp(Action<EventServer> register, string data, string answer)
    {
        register(Server.Io);
        _client = Server.Connect(deliveries => new RecordingClient(deliveries)).Client;
        _questions = [.. Enumerable.Range(0, Batch).Select(id => Messages.Event("ask", data, id))];
        _client.Expect(_questions[0], $$"""{"ack":0,"data":{{answer}}}""");
    }

    private void AskAll()
    {
        Server.Deliveries.Expect(Batch);
        _client.Deliver(_questions);
        Server.Deliveries.Wait();
    }

    private sealed record Question(string Room, string Text);

    private sealed record Reply(string Room, int Length);
}
