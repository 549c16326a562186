using System.Security.Claims;
using FluentAssertions;
using Xunit;

namespace WsServer.Tests;

public class UserIdentityTests
{
    [Theory]
    [InlineData("id", "subject", "name", "id")]
    [InlineData(null, "subject", "name", "subject")]
    [InlineData("", "subject", "name", "subject")]
    [InlineData(null, null, "name", "name")]
    [InlineData("", "", "name", "name")]
    [InlineData(null, null, null, "")]
    public void It_is_the_first_that_says_something(string? id, string? subject, string? name, string expected) =>
        UserIdentity.Of(new ClaimsPrincipal(new ClaimsIdentity(Claims(id, subject, name), "test"))).Should().Be(expected);

    [Fact]
    public void Who_is_not_signed_in_is_nobody_whatever_is_claimed() =>
        UserIdentity.Of(new ClaimsPrincipal(new ClaimsIdentity(Claims("id", "subject", "name")))).Should().BeNull();

    private static IEnumerable<Claim> Claims(string? id, string? subject, string? name) =>
        new (string Type, string? Value)[] { (ClaimTypes.NameIdentifier, id), ("sub", subject), (ClaimTypes.Name, name) }
            .Where(c => c.Value is not null).Select(c => new Claim(c.Type, c.Value!));
}
