using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Rfc6455;

/// <summary>Fragments, and what may stand between them: section 5.4.</summary>
[Collection(nameof(EchoServers))]
public class FragmentationTests(EchoServers servers)
{
    /// <summary>Frames, as in <c>T-one</c>: T, B or C for the opcode, a hyphen when more follow and a point when not, and the payload; P pings.</summary>
    public static TheoryData<Wiring, string, string, string> Valid { get; } = Over(
        ("T-one C.two", "T onetwo", "in two"),
        ("T-one C-two C.three", "T onetwothree", "in three"),
        ("B-one C.two", "B onetwo", "binary"),
        ("T- C- C.", "T ", "of nothing"),
        ("T- C-middle C.", "T middle", "with empty ends"),
        ("T-one P.x C.two", "P x|T onetwo", "with a ping between"),
        ("T-one P.x C-two P.y C.three", "P x|P y|T onetwothree", "with pings between"),
        ("T-one P. C.two T.three", "P |T onetwo|T three", "with a message behind"),
        ("B-one C.two T-three C.four", "B onetwo|T threefour", "one after the other"));

    public static TheoryData<Wiring, string, string, string> Invalid { get; } = Over(
        ("C.one", "", "a final continuation of nothing"),
        ("C-one", "", "a continuation of nothing"),
        ("C-one C.two", "", "continuations of nothing"),
        ("T.one C.two", "T one", "a continuation of what has ended"),
        ("T-one C.two C.three", "T onetwo", "a continuation of what has ended in fragments"),
        ("T-one T.two", "", "a text within a text"),
        ("T-one B.two", "", "binary within a text"),
        ("B-one T.two", "", "a text within binary"),
        ("T-one T-two", "", "fragments within fragments"),
        ("T-one P.x T.two", "P x", "a text within a text behind a ping"),
        ("T-one P-x C.two", "", "a ping in fragments"));

    [Theory]
    [MemberData(nameof(Valid))]
    public async Task Valid_fragments_come_back_as_messages(Wiring wiring, string frames, string answers, string what)
    {
        _ = what;
        foreach (int chop in new[] { int.MaxValue, 1 })
        {
            using EchoClient client = await servers.ConnectAsync(wiring);
            await client.SendAsync(Encode(frames), chop);
            await ShouldGetAsync(client, answers);
            await client.ShouldLiveAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Invalid))]
    public async Task Invalid_fragments_are_closed_with_1002_after_what_came_before(Wiring wiring, string frames, string answers, string what)
    {
        _ = what;
        foreach (int chop in new[] { int.MaxValue, 1 })
        {
            using EchoClient client = await servers.ConnectAsync(wiring);
            await client.SendAsync(Encode(frames), chop);
            await ShouldGetAsync(client, answers);
            await client.ShouldBeClosedAsync(1002);
        }
    }

    private static async Task ShouldGetAsync(EchoClient client, string answers)
    {
        foreach (string answer in answers.Split('|', StringSplitOptions.RemoveEmptyEntries))
        {
            int opcode = answer[0] == 'P' ? RawFrame.Pong : Opcode(answer[0]);
            await client.ShouldGetAsync(opcode, System.Text.Encoding.ASCII.GetBytes(answer[2..]));
        }
    }

    private static byte[] Encode(string frames) =>
        [.. frames.Split(' ').SelectMany(f => ClientFrame.Encode(Opcode(f[0]), System.Text.Encoding.ASCII.GetBytes(f[2..]), isFinal: f[1] == '.'))];

    private static int Opcode(char letter) => letter switch
    {
        'T' => RawFrame.Text,
        'B' => RawFrame.Binary,
        'C' => RawFrame.Continuation,
        'P' => RawFrame.Ping,
        _ => throw new ArgumentOutOfRangeException(nameof(letter)),
    };

    private static TheoryData<Wiring, string, string, string> Over(params (string Frames, string Answers, string What)[] cases)
    {
        var all = new TheoryData<Wiring, string, string, string>();
        foreach (Wiring wiring in new[] { Wiring.Direct, Wiring.Piped })
        {
            foreach ((string frames, string answers, string what) in cases)
            {
                all.Add(wiring, frames, answers, what);
            }
        }

        return all;
    }
}
