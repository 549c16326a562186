using FluentAssertions;
using Microsoft.AspNetCore.Http.Features;
using WsServer.Hosting;
using Xunit;

namespace WsServer.Tests.Access;

/// <summary>What becomes of a request's URL before and after it is known whose it is.</summary>
public class RequestTokenTests
{
    private const string Session = "ABCDEFGHIJKLMNOPQRSTUV-_";

    private static readonly Endpoint Ours = new(null, new EndpointMetadataCollection(TakesTokens.Instance), "ours");
    private static readonly Endpoint Events = new(null, new EndpointMetadataCollection(TakesTokens.Instance, new EventEndpoint(null!)), "events");
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

    [Theory]
    [InlineData($"?session={Session}&seq=1", "?seq=1")]
    [InlineData($"?seq=1&SESSION={Session}", "?seq=1")]
    [InlineData($"?session={Session}&access_token=t", "")]
    public void A_session_is_out_of_the_url_as_well_and_handed_over_once(string query, string rest)
    {
        FeatureCollection features = Upgrade(query);

        RequestToken.TakeFrom(features, withQuery: true);

        features.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().Be(rest);
        features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Should().Be("/x" + rest);
        features.GetRequiredFeature<IEndpointFeature>().Endpoint = Events;
        features.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().Be(rest);
        RequestToken.TakeSession(features).Should().Be(Session);
        RequestToken.TakeSession(features).Should().BeNull();
    }

    [Fact]
    public void It_is_also_where_no_tokens_are_wanted_in_the_url()
    {
        FeatureCollection features = Upgrade($"?session={Session}&access_token=t");

        RequestToken.TakeFrom(features, withQuery: false);

        features.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().Be("?access_token=t");
    }

    [Fact]
    public void Other_endpoints_get_their_sessions_back()
    {
        const string Query = $"?session={Session}&access_token=t&a=1";
        FeatureCollection others = Upgrade(Query);
        FeatureCollection ours = Upgrade(Query);
        RequestToken.TakeFrom(others, withQuery: true);
        RequestToken.TakeFrom(ours, withQuery: true);

        others.GetRequiredFeature<IEndpointFeature>().Endpoint = Other;
        ours.GetRequiredFeature<IEndpointFeature>().Endpoint = Ours;

        others.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().Be(Query);
        ours.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().Be($"?session={Session}&a=1", "another protocol has sessions of its own");
        ours.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Should().Be($"/x?session={Session}&a=1");
        (RequestToken.TakeSession(others) ?? RequestToken.TakeSession(ours)).Should().BeNull();
    }

    [Theory]
    [InlineData($"?session={Session}", false)]
    [InlineData($"?session={Session}x", true)]
    [InlineData("?session=7", true)]
    [InlineData($"?EIO=4&session={Session}", true)]
    public void What_cannot_be_a_session_of_the_event_server_stays(string query, bool isUpgrade)
    {
        FeatureCollection features = isUpgrade ? Upgrade(query) : Request(query);

        RequestToken.TakeFrom(features, withQuery: true);

        features.GetRequiredFeature<IHttpRequestFeature>().QueryString.Should().Be(query);
        features.Get<IEndpointFeature>().Should().BeNull();
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
