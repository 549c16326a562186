using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using FluentAssertions;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using WsServer.Hosting;
using WsServer.Polling;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.Hosting;

public abstract class DirectConnectionTests : IAsyncLifetime, IDisposable
{
    private protected virtual Poller? Poller => null;

    private SocketPair _pair = null!;
    private DirectConnection _connection = null!;

    public async Task InitializeAsync()
    {
        _pair = await SocketPair.ConnectAsync();
        PipeOptions input = HttpPipeReader.CreateOptions(MemoryPool<byte>.Shared, 0);
        var settings = new ListenerSettings(_pair.Server.LocalEndPoint!, MemoryPool<byte>.Shared, input, NullLogger.Instance, Poller);
        _connection = new DirectConnection(_pair.Server, settings);
        _connection.Start();
    }

    public async Task DisposeAsync() => await _connection.DisposeAsync();

    public void Dispose()
    {
        _pair.Dispose();
        Poller?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void It_says_who_talks_to_whom()
    {
        _connection.LocalEndPoint.Should().Be(_pair.Client.RemoteEndPoint);
        _connection.RemoteEndPoint.Should().Be(_pair.Client.LocalEndPoint);
        _connection.ConnectionId.Should().HaveLength(13).And.Be(_connection.ConnectionId);
        _connection.Features.Get<IConnectionSocketFeature>()!.Socket.Should().BeSameAs(_pair.Server);
        _connection.Features.Get<IMemoryPoolFeature>()!.MemoryPool.Should().BeSameAs(MemoryPool<byte>.Shared);
        _connection.Features.Get<IConnectionTransportFeature>()!.Transport.Should().BeSameAs(_connection.Transport);
        _connection.Features.Get<IConnectionLifetimeFeature>()!.ConnectionClosed.Should().Be(_connection.ConnectionClosed);
    }

    [Fact]
    public void Features_can_be_added_replaced_and_taken_away()
    {
        IFeatureCollection features = _connection.Features;
        int revision = features.Revision;
        features.Get<ITlsConnectionFeature>().Should().BeNull();
        features.Select(f => f.Key).Should().Contain(typeof(IConnectionIdFeature)).And.HaveCount(6);

        object[] added = [.. Enumerable.Range(0, 10).Select(_ => new object())];
        Type[] types = [typeof(int), typeof(uint), typeof(long), typeof(ulong), typeof(short), typeof(byte), typeof(char), typeof(bool), typeof(float), typeof(double)];
        foreach ((Type type, object feature) in types.Zip(added))
        {
            features[type] = feature;
        }

        types.Select(t => features[t]).Should().Equal(added);
        var other = new OtherId();
        features.Set<IConnectionIdFeature>(other);
        features.Get<IConnectionIdFeature>().Should().BeSameAs(other);
        features.Set<IConnectionItemsFeature>(null);
        features.Get<IConnectionItemsFeature>().Should().BeNull();
        features.Select(f => f.Key).Should().OnlyHaveUniqueItems().And.HaveCount(15);
        features.Revision.Should().BeGreaterThan(revision);
    }

    [Fact]
    public async Task Its_end_is_told_when_the_client_has_gone()
    {
        Task told = Told();
        _pair.Reset();

        await Within.TimeAsync(told, "the end");
        await _connection.Transport.Input.Awaiting(i => i.ReadAsync().AsTask()).Should().ThrowAsync<ConnectionResetException>();
    }

    [Fact]
    public async Task Its_end_is_told_when_the_client_has_gone_and_a_WebSocket_reads()
    {
        Task told = Told();
        ValueTask<ReadResult> reading = _connection.TakeSource().ReadAsync();
        _pair.Client.Shutdown(SocketShutdown.Send);

        (await Within.TimeAsync(reading.AsTask(), "the end of the input")).IsCompleted.Should().BeTrue();
        await Within.TimeAsync(told, "the end");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Disposing_it_is_an_ordinary_end_and_tells_of_it_before_it_is_complete(bool isUpgraded)
    {
        Task<ReadResult>? reading = isUpgraded ? _connection.TakeSource().ReadAsync().AsTask() : null;
        bool isTold = false;
        _connection.ConnectionClosed.Register(() => isTold = true);

        await _connection.DisposeAsync();

        isTold.Should().BeTrue();
        (await _pair.Client.ReceiveAsync(new byte[1])).Should().Be(0);
        if (reading is not null)
        {
            await reading.Awaiting(r => r).Should().ThrowAsync<ConnectionAbortedException>();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Aborting_it_resets_the_connection_and_gives_its_reason_to_the_reader(bool isUpgraded)
    {
        Task told = Told();
        PipeReader reader = isUpgraded ? _connection.TakeSource() : _connection.Transport.Input;
        Task<ReadResult> reading = reader.ReadAsync().AsTask();
        var reason = new ConnectionAbortedException("Because.");

        _connection.Abort(reason);
        _connection.Abort(new ConnectionAbortedException("Too late."));

        (await reading.Awaiting(r => r).Should().ThrowAsync<ConnectionAbortedException>()).Which.Should().BeSameAs(reason);
        await Within.TimeAsync(told, "the end");
        (await _pair.Client.Awaiting(c => c.ReceiveAsync(new byte[1])).Should().ThrowAsync<SocketException>()).Which.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
    }

    private Task Told()
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _connection.ConnectionClosed.Register(told.SetResult);
        return told.Task;
    }

    private sealed class OtherId : IConnectionIdFeature
    {
        public string ConnectionId { get; set; } = "";
    }
}

/// <summary>With the runtime, which waits for the socket.</summary>
public sealed class RuntimeDirectConnectionTests : DirectConnectionTests;

/// <summary>With a loop of the server's own.</summary>
public sealed class PolledDirectConnectionTests : DirectConnectionTests
{
    private protected override Poller? Poller { get; } = Poller.TryStart(1, NullLogger.Instance)!;
}
