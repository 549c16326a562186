using FluentAssertions;
using Microsoft.Extensions.Primitives;
using WsServer.Hosting;
using Xunit;

namespace WsServer.Tests.Compression;

/// <summary>The negotiation of RFC 7692, section 7.1.</summary>
public class DeflateOffersTests
{
    private const string Terms = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    [Theory]
    [InlineData("permessage-deflate")]
    [InlineData("Permessage-Deflate")]
    [InlineData("permessage-deflate; client_max_window_bits")]
    [InlineData("permessage-deflate; server_no_context_takeover; client_no_context_takeover")]
    [InlineData("x-webkit-deflate-frame, permessage-deflate; client_max_window_bits")]
    [InlineData("permessage-deflate; unknown, permessage-deflate")]
    [InlineData("other; value=\"a, permessage-deflate; b\", permessage-deflate")]
    public void An_offer_is_accepted_without_context_takeover(string header)
    {
        DeflateOffers.TryAccept(header, out string? answer, out int windowBits).Should().BeTrue();

        answer.Should().Be(Terms);
        windowBits.Should().Be(15);
    }

    [Theory]
    [InlineData("permessage-deflate; server_max_window_bits=8", 8)]
    [InlineData("permessage-deflate; server_max_window_bits=\"12\"; client_max_window_bits", 12)]
    [InlineData("permessage-deflate; server_max_window_bits=15", 15)]
    public void A_window_that_the_client_demands_is_accepted(string header, int bits)
    {
        DeflateOffers.TryAccept(header, out string? answer, out int windowBits).Should().BeTrue();

        answer.Should().Be($"{Terms}; server_max_window_bits={bits}");
        windowBits.Should().Be(bits);
    }

    [Theory]
    [InlineData("permessage-deflate;client_max_window_bits=10", "; client_max_window_bits=10", 15)]
    [InlineData("permessage-deflate; client_max_window_bits=\"8\"; server_max_window_bits=11", "; server_max_window_bits=11; client_max_window_bits=8", 11)]
    public void A_window_that_the_client_promises_is_repeated(string header, string more, int bits)
    {
        DeflateOffers.TryAccept(header, out string? answer, out int windowBits).Should().BeTrue();

        answer.Should().Be(Terms + more);
        windowBits.Should().Be(bits);
    }

    [Theory]
    [InlineData("")]
    [InlineData("permessage-bzip2")]
    [InlineData("permessage-deflate; unknown")]
    [InlineData("permessage-deflate;")]
    [InlineData("permessage-deflate; server_no_context_takeover=1")]
    [InlineData("permessage-deflate; server_no_context_takeover; server_no_context_takeover")]
    [InlineData("permessage-deflate; server_max_window_bits")]
    [InlineData("permessage-deflate; server_max_window_bits=7")]
    [InlineData("permessage-deflate; server_max_window_bits=16")]
    [InlineData("permessage-deflate; server_max_window_bits=010")]
    [InlineData("permessage-deflate; server_max_window_bits=-9")]
    [InlineData("permessage-deflate; server_max_window_bits=")]
    [InlineData("permessage-deflate; client_max_window_bits=99999999999")]
    [InlineData("\"permessage-deflate")]
    [InlineData("other; value=\"a, permessage-deflate\"")]
    public void Anything_else_is_declined(string header)
    {
        DeflateOffers.TryAccept(header, out string? answer, out _).Should().BeFalse();

        answer.Should().BeNull();
    }

    [Fact]
    public void Offers_may_stand_in_several_headers()
    {
        var header = new StringValues(["permessage-deflate; unknown", "permessage-deflate; server_max_window_bits=9"]);

        DeflateOffers.TryAccept(header, out _, out int windowBits).Should().BeTrue();

        windowBits.Should().Be(9);
        DeflateOffers.TryAccept(StringValues.Empty, out _, out _).Should().BeFalse();
    }
}
