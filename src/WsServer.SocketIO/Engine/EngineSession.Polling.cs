using WsServer.Wire;

namespace WsServer.SocketIO.Engine;

/// <summary>What polling requests do with a session.</summary>
internal sealed partial class EngineSession
{
    // A client that says goodbye has a poll under way, which may be a moment behind.
    private static readonly TimeSpan LatePollTime = TimeSpan.FromMilliseconds(100);

    private TaskCompletionSource<PollAnswer>? _poll;
    private TaskCompletionSource? _latePoll;
    private bool _isPosting;

    /// <summary>Whether a GET waits.</summary>
    public bool IsPolled
    {
        get
        {
            lock (_gate)
            {
                return _poll is not null;
            }
        }
    }

    /// <summary>Whether a POST is under way.</summary>
    public bool IsPosting
    {
        get
        {
            lock (_gate)
            {
                return _isPosting;
            }
        }
    }

    /// <summary>A GET has come.</summary>
    /// <param name="answer">What it is answered with, when there is something.</param>
    /// <returns>Why it is refused, if it is.</returns>
    public EngineError? TryPoll(out Task<PollAnswer> answer)
    {
        lock (_gate)
        {
            EndIfOverdueLocked();
            if (_latePoll?.TrySetResult() == true)
            {
                answer = Task.FromResult(new PollAnswer(EnginePackets.Noop));
                return null;
            }

            answer = Task.FromResult(new PollAnswer([]));
            if (RefusalLocked() is { } refusal)
            {
                return refusal;
            }

            if (_poll is not null)
            {
                EndLocked(SessionEnd.Malformed);
                return EngineError.BadRequest;
            }

            _poll = new TaskCompletionSource<PollAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
            answer = _poll.Task;
            AnswerPollLocked();
            return null;
        }
    }

    /// <summary>The client has broken a GET off.</summary>
    /// <param name="answer">What <see cref="TryPoll"/> gave.</param>
    public void AbandonPoll(Task<PollAnswer> answer)
    {
        lock (_gate)
        {
            if (_poll is { } poll && poll.Task == answer)
            {
                _poll = null;
                poll.TrySetCanceled();
                EndLocked(SessionEnd.Broken);
            }
        }
    }

    /// <summary>A POST has come, whose body is to be read. If it is not refused, <see cref="EndPost"/> is to follow.</summary>
    public EngineError? TryBeginPost()
    {
        lock (_gate)
        {
            EndIfOverdueLocked();
            if (RefusalLocked() is { } refusal)
            {
                return refusal;
            }

            if (_isPosting)
            {
                EndLocked(SessionEnd.Malformed);
                return EngineError.BadRequest;
            }

            _isPosting = true;
            return null;
        }
    }

    /// <summary>Takes the body of a POST.</summary>
    /// <param name="body">The body, the session's own from now on.</param>
    /// <param name="answered">Completes when the POST may be answered.</param>
    public EngineError? TryTakePost(Memory<byte> body, out Task answered)
    {
        bool isValid = PollingPayload.IsValid(body.Span);
        lock (_gate)
        {
            answered = Task.CompletedTask;
            if (RefusalLocked() is { } refusal)
            {
                return refusal;
            }

            if (!isValid)
            {
                EndLocked(SessionEnd.Malformed);
                return EngineError.BadRequest;
            }

            var posted = new PostedPackets(body);
            if (posted.HasPong)
            {
                TakePongLocked();
            }

            if (!_isDisposed)
            {
                _posted = posted;
                answered = posted.Taken;
                _arrival?.TrySetResult();
            }

            if (posted.HasClose)
            {
                answered = LeaveLocked(answered);
            }

            return null;
        }
    }

    /// <summary>The POST is about to be answered, or broken off.</summary>
    public void EndPost()
    {
        lock (_gate)
        {
            _isPosting = false;
        }
    }

    /// <summary>The body of a POST did not come whole.</summary>
    public void Break() => End(SessionEnd.Broken);

    /// <summary>The client says goodbye: its poll is answered, the one that there is or one that is on its way.</summary>
    private Task LeaveLocked(Task answered)
    {
        if (_poll is null)
        {
            _latePoll = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            answered = ForgetLaterAsync(answered, _latePoll);
        }

        EndLocked(SessionEnd.Client);
        return answered;
    }

    private async Task ForgetLaterAsync(Task answered, TaskCompletionSource latePoll)
    {
        await latePoll.Task.WaitAsync(LatePollTime, _settings.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        latePoll.TrySetCanceled();
        _forget(this);
        await answered.ConfigureAwait(false);
    }

    private EngineError? RefusalLocked() =>
        _end is not null ? EngineError.UnknownSession : _socket is not null ? EngineError.BadRequest : null;

    /// <summary>Answers the poll that waits with the packets that wait, if there are both.</summary>
    private void AnswerPollLocked()
    {
        if (_poll is null || _outgoing.Count == 0)
        {
            return;
        }

        FinishPollLocked(new PollAnswer(TakeOutgoingLocked()));
        if (_isClosing)
        {
            EndLocked(SessionEnd.Server);
        }
    }

    private void FinishPollLocked(PollAnswer answer)
    {
        _poll!.TrySetResult(answer);
        _poll = null;
    }

    private List<EncodedPacket> TakeOutgoingLocked()
    {
        List<EncodedPacket> taken = _outgoing;
        _outgoing = [];
        _outgoingBytes = 0;
        _room?.TrySetResult();
        _room = null;
        return taken;
    }
}
