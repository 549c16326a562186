using FluentAssertions;
using WsServer.Hosting;
using Xunit;

namespace WsServer.Tests.Hosting;

public class OriginPolicyTests
{
    [Theory]
    [InlineData(null, "example.com", true)]
    [InlineData("", "example.com", true)]
    [InlineData("https://example.com", "example.com", true)]
    [InlineData("http://example.com", "example.com", true)]
    [InlineData("https://EXAMPLE.com", "example.COM", true)]
    [InlineData("http://localhost:3000", "localhost:3000", true)]
    [InlineData("http://[::1]:3000", "[::1]:3000", true)]
    [InlineData("http://localhost:3001", "localhost:3000", false)]
    [InlineData("http://localhost", "localhost:3000", false)]
    [InlineData("https://evil.com", "example.com", false)]
    [InlineData("https://example.com.evil.com", "example.com", false)]
    [InlineData("https://sub.example.com", "example.com", false)]
    [InlineData("null", "example.com", false)]
    [InlineData("example.com", "example.com", false)]
    [InlineData("https://evil.com, https://example.com", "example.com", false)]
    [InlineData("https://allowed.com", "example.com", true)]
    [InlineData("https://Allowed.com", "example.com", true)]
    [InlineData("http://allowed.com", "example.com", false)]
    [InlineData("https://allowed.com:8443", "example.com", false)]
    public void In_production_the_same_origin_and_those_allowed_pass(string? origin, string host, bool passes) =>
        OriginPolicy.Allows(Request(origin, host), ["https://allowed.com/"], isDevelopment: false).Should().Be(passes);

    [Theory]
    [InlineData("https://example.com", true)]
    [InlineData("http://example.com", false)]
    public void Over_TLS_a_page_without_it_is_another_origin(string origin, bool passes)
    {
        HttpRequest request = Request(origin, "example.com");
        request.Scheme = "https";
        OriginPolicy.Allows(request, [], isDevelopment: false).Should().Be(passes);
    }

    [Theory]
    [InlineData("https://evil.com")]
    [InlineData("null")]
    [InlineData("file://")]
    public void In_development_any_origin_passes(string origin) =>
        OriginPolicy.Allows(Request(origin, "localhost:3000"), [], isDevelopment: true).Should().BeTrue();

    [Fact]
    public void A_star_allows_all_and_null_has_to_be_named()
    {
        OriginPolicy.Allows(Request("https://evil.com", "example.com"), ["*"], isDevelopment: false).Should().BeTrue();
        OriginPolicy.Allows(Request("null", "example.com"), ["null"], isDevelopment: false).Should().BeTrue();
        OriginPolicy.Allows(Request("https://evil.com", "example.com"), ["null"], isDevelopment: false).Should().BeFalse();
    }

    private static HttpRequest Request(string? origin, string host)
    {
        var context = new DefaultHttpContext();
        context.Request.Host = new HostString(host);
        if (origin is not null)
        {
            context.Request.Headers.Origin = origin;
        }

        return context.Request;
    }
}
