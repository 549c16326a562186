using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using WsServer.Soak.Wire;

namespace WsServer.Soak.Actors;

/// <summary>One connection of a member from its <c>connected</c> to its end: what is under way on it, and what it has heard.</summary>
internal sealed class MemberSession : IDisposable
{
    private static int s_senders;

    private readonly Link _link;
    private readonly Tally _tally;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<News>> _acks = new();
    private readonly TaskCompletionSource<JsonElement> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _who;
    private readonly string _room;
    private long _lastId;

    /// <param name="link">The connection.</param>
    /// <param name="who">For messages about failures.</param>
    /// <param name="room">The room to talk in.</param>
    /// <param name="tally">Where everything is counted.</param>
    /// <param name="hearing">What was heard before, by a client that comes back.</param>
    public MemberSession(Link link, string who, string room, Tally tally, Hearing? hearing = null)
    {
        _link = link;
        _tally = tally;
        _who = who;
        _room = room;
        Hearing = hearing ?? new Hearing(who);
        Reading = ReadAsync();
    }

    /// <summary>Ends with the connection.</summary>
    public Task Reading { get; }

    public Hearing Hearing { get; private set; }

    /// <summary>Its number as a sender.</summary>
    public int Sender { get; } = Interlocked.Increment(ref s_senders);

    /// <summary>How many it has said that are acked: all members must have these.</summary>
    public int SaidCount { get; private set; }

    /// <summary>When it said the last of them.</summary>
    public long LastSaidAt { get; private set; }

    /// <summary>The last event of the namespace that it has had, for coming back.</summary>
    public long Seq { get; private set; }

    /// <summary>Whether its end is wanted.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>Whether questions of the server stay without an answer.</summary>
    public bool IsMute { get; set; }

    private long Began { get; } = Stopwatch.GetTimestamp();

    /// <summary>Waits for the first <c>connected</c>.</summary>
    public Task<JsonElement> ConnectedAsync() => WithinAsync(_connected.Task, "connected");

    /// <summary>Says something in the room, which the first time means to join it.</summary>
    public async Task SayAsync()
    {
        var said = Said.Now(Sender, SaidCount, Began);
        await AskAsync("chat message", $$"""{"name":"{{_who}}","room":"{{_room}}","msg":"{{said}}"}""");
        SaidCount++;
        LastSaidAt = said.Time;
        if (Hearing.Since == long.MaxValue)
        {
            Hearing.Since = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>Has the server ask back, and checks that it got the answer.</summary>
    public async Task BeAskedAsync()
    {
        int number = (int)(_lastId % 1000) + 1;
        News answer = await AskAsync("ask-me", number.ToString(CultureInfo.InvariantCulture), "/ask");
        if (answer.Data.GetInt32() != number * 2)
        {
            throw new SoakException($"{_who} answered {number * 2}, and the server understood {answer.Data}.");
        }
    }

    /// <summary>Emits and waits for the ack.</summary>
    public async Task<News> AskAsync(string name, string json, string? ns = null)
    {
        long id = Interlocked.Increment(ref _lastId);
        var answered = new TaskCompletionSource<News>(TaskCreationOptions.RunContinuationsAsynchronously);
        _acks[id] = answered;
        _tally.AddMessages(1);
        await _link.EmitAsync(name, json, id, ns);
        News news = await WithinAsync(answered.Task, $"the ack of {name}");
        return news.Kind == NewsKind.Ack ? news : throw new SoakException($"{_who} asked for {name} and was refused: {news.Whole}");
    }

    /// <summary>Emits, and will not wait for the ack.</summary>
    public Task EmitAsync(string name, string json, string ns)
    {
        _tally.AddMessages(1);
        long id = Interlocked.Increment(ref _lastId);
        _acks[id] = new TaskCompletionSource<News>();
        return _link.EmitAsync(name, json, id, ns);
    }

    public async Task LeaveAsync()
    {
        IsLeaving = true;
        await _link.LeaveAsync();
        await WithinAsync(Reading.ContinueWith(_ => true, TaskScheduler.Default), "the server's goodbye");
    }

    public async Task CutAsync()
    {
        IsLeaving = true;
        _link.Cut();
        await Reading;
    }

    public void Dispose() => _link.Dispose();

    private static async Task<T> WithinAsync<T>(Task<T> task, string what)
    {
        try
        {
            return await task.WaitAsync(WireClient.Patience);
        }
        catch (TimeoutException)
        {
            throw new SoakException($"Waited in vain for {what}.");
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _link.NextAsync() is { } news)
            {
                _tally.AddMessages(1);
                await TakeAsync(news);
            }

            if (!IsLeaving)
            {
                throw new SoakException("The server ended the connection.");
            }
        }
        catch (Exception exception) when (IsLeaving && exception is not SoakException)
        {
            // It has been cut while it was being read.
        }
        catch (Exception exception)
        {
            _tally.Fail(_who, exception);
        }

        foreach (TaskCompletionSource<News> waiting in _acks.Values)
        {
            waiting.TrySetCanceled();
        }
    }

    private async Task TakeAsync(News news)
    {
        if (news.Whole.ValueKind == JsonValueKind.Object && news.Whole.TryGetProperty("seq", out JsonElement seq) && !news.Whole.TryGetProperty("ns", out _))
        {
            Seq = seq.GetInt64();
        }

        switch (news.Kind)
        {
            case NewsKind.Connected when _connected.Task.IsCompleted:
                // Another namespace.
                break;
            case NewsKind.Connected:
                if (news.Whole.TryGetProperty("recovered", out JsonElement recovered) && !recovered.GetBoolean())
                {
                    Hearing = new Hearing(_who);
                }

                _connected.SetResult(news.Whole.Clone());
                break;
            case NewsKind.Event when news.Name == "chat message":
                var said = Said.Parse(news.Data.GetString()!);
                Hearing.Take(said);
                _tally.AddLatency(Stopwatch.GetTimestamp() - said.Time);
                break;
            case NewsKind.Event when news.Name == "question":
                if (!IsMute)
                {
                    _tally.AddMessages(1);
                    await ((NativeLink)_link).SendAsync(string.Create(
                        CultureInfo.InvariantCulture, $$"""{"ack":{{news.Id}},"ns":"/ask","data":{{news.Data.GetInt32() * 2}}}"""));
                }

                break;
            case NewsKind.Ack or NewsKind.Refused:
                if (!_acks.TryRemove(news.Id!.Value, out TaskCompletionSource<News>? waiting))
                {
                    throw new SoakException($"{_who} got an ack of {news.Id} that it does not wait for, or not any more.");
                }

                waiting.SetResult(news);
                break;
            default:
                throw new SoakException($"{_who} got {news.Whole}.");
        }
    }
}
