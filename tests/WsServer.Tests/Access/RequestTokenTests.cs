using FluentAssertions;
using Microsoft.AspNetCore.Http.Features;
using WsServer.Hosting;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>What becomes of a request's URL before and after it is known whose it is.</summary>
public class RequestTokenTests
{
    private static readonly Endpoint Ours = new(null, new EndpointMetadataCollection(TakesTokens.Instance), "ours");
    private static readonly Endpoint Other = new(null, null, "another");

    [Theory]
    [InlineData("?access_token=t", "")]
    [InlineData("?access_token=t&a=1", "?a=1")]
    [InlineData("?a=1&access_token=t&b=%20", "?a=1&b=%20")]
    [InlineData("?ACCESS_TOKEN=t", "")]
    [InlineData("?access%5ftoken=t", "")]
    [InlineData("?access_token=t&access_token=u", "")]
    public void It_is_out_of_the_url_at_once_and_stays_out_for_the_event_server(string query, string rest)
    {
        FeatureCollection features = Upgrade(query);
        IHttpRequestFeature request = features.GetRequiredFeature<IHttpRequestFeature>();

        RequestToken.TakeFrom(features, withQuery: true);

        request.QueryString.Should().Be(rest);
        request.RawTarget.Should().Be("/x" + rest);
        request.Headers.Authorization.Should().BeEmpty("nobody knows yet whose it is");
        features.GetRequiredFeature<IEndpointFeature>().Endpoint = Ours;
        request.QueryString.Should().Be(rest);
        request.Headers.Authorization.Should().Equal("Bearer t");
    }

    [Fact]
    public void Another_endpoint_gets_the_url_back_unless_the_event_server_had_it_first()
    {
        const string Query = "?access_token=t&a=1";
        FeatureCollection first = Upgrade(Query);
        FeatureCollection second = Upgrade(Query);
        RequestToken.TakeFrom(first, withQuery: true);
        RequestToken.TakeFrom(second, withQuery: true);

        first.GetRequiredFeature<IEndpointFeature>().Endpoint = Other;
        second.GetRequiredFeature<IEndpointFeature>().Endpoint = Ours;
        second.GetRequiredFeature<IEndpointFeature>().Endpoint = null;
        second.GetRequiredFeature<IEndpointFeature>().Endpoint = Other;

        first.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().Be(Query);
        first.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Should().Be("/x" + Query);
        first.GetRequiredFeature<IHttpRequestFeature>().Headers.Authorization.Should().BeEmpty();
        second.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().Be("?a=1");
        second.GetRequiredFeature<IEndpointFeature>().Endpoint.Should().BeSameAs(Other);
    }

    [Theory]
    [InlineData("?access_token=a%0d%0ab")]
    [InlineData("?access_token=%C3%A9")]
    [InlineData("?access_token=")]
    [InlineData("?access_token=a%20b")]
    public void What_no_header_can_carry_is_nobodys_token(string query)
    {
        FeatureCollection features = Upgrade(query);

        RequestToken.TakeFrom(features, withQuery: true);
        features.GetRequiredFeature<IEndpointFeature>().Endpoint = Ours;

        features.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().BeEmpty();
        features.GetRequiredFeature<IHttpRequestFeature>().Headers.Authorization.Should().BeEmpty();
    }

    [Theory]
    [InlineData("?access_token=t", false, true)]
    [InlineData("?access_token=t", true, false)]
    [InlineData("?token=t", true, true)]
    [InlineData("", true, true)]
    public void Requests_that_cannot_be_meant_are_left_as_they_are(string query, bool isUpgrade, bool withQuery)
    {
        FeatureCollection features = isUpgrade ? Upgrade(query) : Request(query);

        RequestToken.TakeFrom(features, withQuery);

        features.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().Be(query);
        features.Get<IEndpointFeature>().Should().BeNull();
    }

    [Fact]
    public void A_request_of_Engine_IO_is_meant_without_an_upgrade()
    {
        FeatureCollection features = Request("?EIO=4&access_token=t&transport=polling");

        RequestToken.TakeFrom(features, withQuery: true);

        features.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().Be("?EIO=4&transport=polling");
    }

    private static FeatureCollection Upgrade(string query)
    {
        FeatureCollection features = Request(query);
        features.GetRequiredFeature<IHttpRequestFeature>().Headers.Upgrade = "websocket";
        return features;
    }

    private static FeatureCollection Request(string query)
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Path = "/x", QueryString = query, RawTarget = "/x" + query });
        return features;
    }
}
