using System.Text;
using FluentAssertions;
using WsServer.Connections;
using WsServer.SocketIO.Wire;
using Xunit;

namespace WsServer.Tests.SocketIO;

public class PacketAssemblerTests
{
    private readonly PacketAssembler _assembler = new(maxBytes: 1_000);

    [Theory]
    [InlineData("42[\"e\",1]")]
    [InlineData("40")]
    [InlineData("4")]
    [InlineData("")]
    [InlineData("51-[]")]
    public void A_text_that_announces_nothing_is_whole(string text)
    {
        byte[] message = Encoding.UTF8.GetBytes(text);
        _assembler.TryTake(message, isBinary: false, out TransportMessage whole).Should().BeTrue();
        whole.Should().Be(new TransportMessage(TransportMessageKind.Text, message));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(10)]
    public void A_packet_is_whole_with_its_last_attachment(int attachments)
    {
        for (int round = 0; round < 3; round++)
        {
            AddText($"45{attachments}-[\"e\"]").Should().BeFalse();
            TransportMessage whole = default;
            for (int i = 0; i < attachments; i++)
            {
                _assembler.TryTake(new byte[i], isBinary: true, out whole).Should().Be(i == attachments - 1);
            }

            whole.Kind.Should().Be(TransportMessageKind.Binary);
            AssembledPacket.TrySplit(whole.Payload, out ReadOnlyMemory<byte> text, out ReadOnlyMemory<byte>[] parts).Should().BeTrue();
            Encoding.UTF8.GetString(text.Span).Should().Be($"45{attachments}-[\"e\"]");
            parts.Select(p => p.Length).Should().Equal(Enumerable.Range(0, attachments));
        }
    }

    [Fact]
    public void What_was_given_away_stays_as_it_is_and_what_was_taken_may_change()
    {
        byte[] bytes = [1, 2, 3];
        AddText("451-[\"e\"]");
        _assembler.TryTake(bytes, isBinary: true, out TransportMessage first);
        bytes.AsSpan().Clear();
        AddText("461-7[]");
        _assembler.TryTake(new byte[] { 9, 9, 9 }, isBinary: true, out _);
        AssembledPacket.TrySplit(first.Payload, out _, out ReadOnlyMemory<byte>[] parts);
        parts.Should().ContainSingle().Which.ToArray().Should().Equal(1, 2, 3);
    }

    [Theory]
    [InlineData("45")]
    [InlineData("45-[\"e\"]")]
    [InlineData("45[\"e\"]")]
    [InlineData("451[\"e\"]")]
    [InlineData("451")]
    [InlineData("450-[\"e\"]")]
    [InlineData("4500-[\"e\"]")]
    [InlineData("4511-[\"e\"]")]
    [InlineData("4599999999999999999999-[\"e\"]")]
    [InlineData("45-1-[\"e\"]")]
    [InlineData("451.0-[\"e\"]")]
    [InlineData("45 1-[\"e\"]")]
    [InlineData("450-")]
    [InlineData("460-1[]")]
    [InlineData("4611-1[]")]
    public void One_to_ten_attachments_are_announced(string text) => this.Invoking(t => t.AddText(text)).Should().Throw<InvalidDataException>();

    [Fact]
    public void An_attachment_that_was_not_announced_is_refused()
    {
        this.Invoking(t => t._assembler.TryTake(Array.Empty<byte>(), isBinary: true, out _)).Should().Throw<InvalidDataException>();
        AddText("451-[\"e\"]");
        _assembler.TryTake(Array.Empty<byte>(), isBinary: true, out _).Should().BeTrue();
        this.Invoking(t => t._assembler.TryTake(Array.Empty<byte>(), isBinary: true, out _)).Should().Throw<InvalidDataException>();
    }

    [Theory]
    [InlineData("42[\"e\"]")]
    [InlineData("451-[\"e\"]")]
    [InlineData("41")]
    public void A_text_where_an_attachment_was_announced_is_refused(string text)
    {
        AddText("452-[\"e\"]");
        _assembler.TryTake(new byte[] { 1 }, isBinary: true, out _).Should().BeFalse();
        this.Invoking(t => t.AddText(text)).Should().Throw<InvalidDataException>();
    }

    [Fact]
    public void A_packet_is_bounded_with_all_that_belongs_to_it()
    {
        const string Text = "452-[\"e\"]";
        int left = 1_000 - Text.Length - (3 * AssembledPacket.PartOverhead);
        AddText(Text);
        _assembler.TryTake(new byte[left - 1], isBinary: true, out _).Should().BeFalse();
        _assembler.TryTake(new byte[1], isBinary: true, out TransportMessage whole).Should().BeTrue();
        whole.Payload.Length.Should().Be(1_000);

        AddText(Text);
        _assembler.TryTake(new byte[left - 1], isBinary: true, out _).Should().BeFalse();
        this.Invoking(t => t._assembler.TryTake(new byte[2], isBinary: true, out _)).Should().Throw<InvalidDataException>();
        this.Invoking(t => new PacketAssembler(10).TryTake(Encoding.UTF8.GetBytes(Text), isBinary: false, out _))
            .Should().Throw<InvalidDataException>();
    }

    private bool AddText(string text) => _assembler.TryTake(Encoding.UTF8.GetBytes(text), isBinary: false, out _);
}
