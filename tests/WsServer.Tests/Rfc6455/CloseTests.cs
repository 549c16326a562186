using System.Text;
using WsServer.Tests.Connections;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Rfc6455;

/// <summary>Goodbyes: sections 5.5.1 and 7.4.</summary>
[Collection(nameof(EchoServers))]
public class CloseTests(EchoServers servers)
{
    // With the codes that the registry has added since: 1012 to 1014.
    private static readonly (int First, int Last)[] ValidCodes = [(1000, 1003), (1007, 1014), (3000, 4999)];

    public static TheoryData<Wiring, int> EdgesOfCodes
    {
        get
        {
            var all = new TheoryData<Wiring, int>();
            foreach (Wiring wiring in new[] { Wiring.Direct, Wiring.Piped })
            {
                foreach (int code in Enumerable.Range(1000, 20).Concat([0, 1, 999, 1100, 2000, 2999, 3000, 3999, 4000, 4999, 5000, 5100, 65_535]))
                {
                    all.Add(wiring, code);
                }
            }

            return all;
        }
    }

    public static TheoryData<Wiring> Wirings => [Wiring.Direct, Wiring.Awaited, Wiring.Piped, Wiring.Tls];

    [Theory]
    [MemberData(nameof(EdgesOfCodes))]
    public async Task A_valid_code_is_echoed_and_any_other_answered_with_1002(Wiring wiring, int code)
    {
        foreach (string reason in new[] { "", "going", new string('x', 123) })
        {
            using EchoClient client = await servers.ConnectAsync(wiring);
            await client.SendFrameAsync(RawFrame.Close, Payload(code, Encoding.UTF8.GetBytes(reason)));
            await client.ShouldBeClosedAsync(IsValid(code) ? code : 1002);
        }
    }

    [Fact]
    public async Task Each_of_the_65536_codes_is_echoed_or_answered_with_1002()
    {
        for (int code = 0; code <= ushort.MaxValue; code++)
        {
            var client = new FramedClient();
            client.Send(ClientFrame.Encode(RawFrame.Close, Payload(code, [])));
            try
            {
                await client.ReceiveAsync();
                await client.CloseAsync();
            }
            catch (InvalidDataException)
            {
                // The reader has closed by itself.
            }

            int expected = IsValid(code) ? code : 1002;
            byte[] answer = client.Output.Written;
            byte[] wanted = [0x88, 2, (byte)(expected >> 8), (byte)expected];
            if (!answer.AsSpan().SequenceEqual(wanted))
            {
                throw new InvalidOperationException($"{code} was answered {Convert.ToHexString(answer)}.");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Wirings))]
    public async Task A_close_without_a_code_is_answered_with_1000(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendFrameAsync(RawFrame.Close, []);

        await client.ShouldBeClosedAsync(1000);
    }

    [Theory]
    [MemberData(nameof(Wirings))]
    public async Task A_close_with_half_a_code_is_closed_with_1002(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendFrameAsync(RawFrame.Close, [3]);

        await client.ShouldBeClosedAsync(1002);
    }

    [Theory]
    [InlineData(Wiring.Direct, "80")]
    [InlineData(Wiring.Direct, "C0AF")]
    [InlineData(Wiring.Direct, "EDA080")]
    [InlineData(Wiring.Direct, "E282")]
    [InlineData(Wiring.Piped, "CEBAE1BDB9CF83CEBCCEB5EDA080656469746564")]
    public async Task A_reason_that_is_not_utf8_is_closed_with_1007(Wiring wiring, string hex)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendFrameAsync(RawFrame.Close, Payload(1000, Convert.FromHexString(hex)));

        await client.ShouldBeClosedAsync(1007);
    }

    [Theory]
    [MemberData(nameof(Wirings))]
    public async Task Nothing_behind_a_close_is_answered(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendAsync(
        [
            .. ClientFrame.Encode(RawFrame.Close, Payload(1001, [])),
            .. ClientFrame.Encode(RawFrame.Text, "more"u8),
            .. ClientFrame.Encode(RawFrame.Ping, "more"u8),
            .. ClientFrame.Encode(RawFrame.Close, Payload(1000, [])),
        ]);

        await client.ShouldBeClosedAsync(1001);
    }

    [Theory]
    [MemberData(nameof(Wirings))]
    public async Task A_message_before_a_close_comes_back_first(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendAsync([.. ClientFrame.Encode(RawFrame.Text, "last"u8), .. ClientFrame.Encode(RawFrame.Close, Payload(1000, []))]);

        await client.ShouldGetAsync(RawFrame.Text, "last"u8.ToArray());
        await client.ShouldBeClosedAsync(1000);
    }

    [Theory]
    [MemberData(nameof(Wirings))]
    public async Task A_close_between_fragments_ends_the_connection_without_the_message(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendFrameAsync(RawFrame.Text, "begun"u8.ToArray(), isFinal: false);
        await client.SendFrameAsync(RawFrame.Close, Payload(1000, []));

        await client.ShouldBeClosedAsync(1000);
    }

    [Theory]
    [MemberData(nameof(Wirings))]
    public async Task A_close_in_pieces_of_one_byte_is_answered(Wiring wiring)
    {
        using EchoClient client = await servers.ConnectAsync(wiring);

        await client.SendAsync(ClientFrame.Encode(RawFrame.Close, Payload(4_321, "späť"u8.ToArray())), chop: 1);

        await client.ShouldBeClosedAsync(4_321);
    }

    private static bool IsValid(int code) => ValidCodes.Any(c => code >= c.First && code <= c.Last);

    private static byte[] Payload(int code, byte[] reason) => [(byte)(code >> 8), (byte)code, .. reason];
}
