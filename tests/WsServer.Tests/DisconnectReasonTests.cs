using FluentAssertions;
using Xunit;

namespace WsServer.Tests;

public class DisconnectReasonTests
{
    [Fact]
    public void Every_disconnect_reason_has_its_words_on_the_wire() =>
        Enum.GetValues<DisconnectReason>().Select(r => r.ToWireString()).Should().OnlyHaveUniqueItems().And.Contain("slow consumer");
}
