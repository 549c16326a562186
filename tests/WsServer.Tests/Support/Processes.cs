using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace WsServer.Tests.Support;

/// <summary>A program that a test has started. It is gone when the test is, whatever happens in between.</summary>
internal sealed partial class RunningProcess : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly List<string> _transcript = [];
    private readonly List<string> _unread = [];
    private TaskCompletionSource _changed = NewSignal();

    private RunningProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.Exited += (_, _) => Signal();
        process.EnableRaisingEvents = true;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Everything it has printed.</summary>
    public string Transcript
    {
        get
        {
            lock (_gate)
            {
                return string.Join('\n', _transcript);
            }
        }
    }

    public static RunningProcess Start(string file, params string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
        };

        // What the test run itself was told about URLs and environments is not meant for what it starts.
        foreach (string name in start.Environment.Keys.Where(k => k.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || k is "DOTNET_ENVIRONMENT" or "PORT").ToArray())
        {
            start.Environment.Remove(name);
        }

        // A build server that lives on would keep the pipes open, and the test run with them.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        return new RunningProcess(new Process { StartInfo = start });
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>What it printed.</returns>
    /// <exception cref="InvalidOperationException">It failed; the message has what it printed.</exception>
    public static async Task<string> RunAsync(TimeSpan patience, string file, params string[] arguments)
    {
        await using RunningProcess process = Start(file, arguments);
        int code = await process.WaitForExitAsync(patience);
        return code == 0 ? process.Transcript : throw new InvalidOperationException($"{file} {string.Join(' ', arguments)} ended with {code}:\n{process.Transcript}");
    }

    public async Task WriteLineAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Waits until it has printed a line that matches, and takes that line: the next call finds a later one.</summary>
    public async Task<Match> WaitForLineAsync(Regex pattern)
    {
        using var timeout = new CancellationTokenSource(Patience);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                changed = _changed.Task;
                int found = _unread.FindIndex(line => pattern.IsMatch(line));
                if (found >= 0)
                {
                    Match match = pattern.Match(_unread[found]);
                    _unread.RemoveAt(found);
                    return match;
                }
            }

            bool hasExited = _process.HasExited && changed == _changed.Task;
            try
            {
                // The last lines may come a little after the exit.
                await changed.WaitAsync(hasExited ? TimeSpan.FromSeconds(2) : Patience, timeout.Token);
            }
            catch (Exception exception) when (exception is OperationCanceledException or TimeoutException)
            {
                throw new TimeoutException($"The process {(hasExited ? "ended" : "did not go on")} without a line like '{pattern}'. It printed:\n{Transcript}");
            }
        }
    }

    /// <summary>Waits until it has printed a line that contains this text.</summary>
    public Task<Match> WaitForLineAsync(string text) => WaitForLineAsync(new Regex(Regex.Escape(text)));

    /// <summary>Waits for the address that a server prints, like <c>Now listening on: http://127.0.0.1:41234</c>.</summary>
    public async Task<Uri> WaitForAddressAsync(string scheme = "http") =>
        new((await WaitForLineAsync(new Regex($"Now listening on: ({scheme}://\\S+)"))).Groups[1].Value);

    /// <summary>Asks it to end, as a terminal's Ctrl+C or a container's stop does, and waits until it has.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        const int SigTerm = 15;
        Signal(SigTerm);
        return await WaitForExitAsync(Patience);
    }

    /// <summary>Sends it a signal, by its number.</summary>
    public void Signal(int signal)
    {
        if (SendSignal(_process.Id, signal) != 0)
        {
            throw new InvalidOperationException($"The process is gone already. It printed:\n{Transcript}");
        }
    }

    public async Task<int> WaitForExitAsync(TimeSpan patience)
    {
        using var timeout = new CancellationTokenSource(patience);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
            return _process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The process did not end within {patience}. It printed:\n{Transcript}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int pid, int signal);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Add(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_gate)
        {
            _transcript.Add(line);
            _unread.Add(line);
        }

        Signal();
    }

    private void Signal()
    {
        lock (_gate)
        {
            _changed.TrySetResult();
            _changed = NewSignal();
        }
    }
}
