using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace WsServer.Polling;

/// <summary>What has happened to a descriptor, in the words of <c>epoll(7)</c>.</summary>
[Flags]
internal enum PollEvents : uint
{
    None = 0,
    Readable = 0x1,
    Urgent = 0x2,
    Writable = 0x4,
    Error = 0x8,
    HungUp = 0x10,
    ReadHungUp = 0x2000,
}

/// <summary>The operating system's list of descriptors to wait for (Linux). It tells of each change once (edge-triggered).</summary>
internal sealed partial class Epoll : IDisposable
{
    /// <summary>The key of what <see cref="Wake"/> tells of.</summary>
    public const ulong WakeKey = ulong.MaxValue;

    private const string Library = "libc";
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int Add = 1;
    private const int Delete = 2;
    private const int Interrupted = 4;
    private const uint EdgeTriggered = 1u << 31;
    private const uint All = (uint)(PollEvents.Readable | PollEvents.Urgent | PollEvents.Writable | PollEvents.ReadHungUp);

    // struct epoll_event is packed on x86; elsewhere its second member is aligned to eight bytes.
    private static readonly int KeyOffset = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86 ? 4 : 8;
    private static readonly int EventBytes = KeyOffset + sizeof(ulong);

    private readonly SafeFileHandle _epoll;
    private readonly SafeFileHandle _waker;

    private Epoll(SafeFileHandle epoll, SafeFileHandle waker)
    {
        _epoll = epoll;
        _waker = waker;
    }

    /// <summary>Makes one; null, and the reason, where there is no such thing or the process may have none.</summary>
    public static Epoll? TryCreate(out string reason)
    {
        reason = "this is not Linux";
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        SafeFileHandle epoll = CreateEpoll(CloseOnExec);
        reason = Marshal.GetLastPInvokeErrorMessage();
        if (epoll.IsInvalid)
        {
            epoll.Dispose();
            return null;
        }

        SafeFileHandle waker = CreateEvent(0, CloseOnExec | NonBlocking);
        reason = Marshal.GetLastPInvokeErrorMessage();
        var made = new Epoll(epoll, waker);
        if (!waker.IsInvalid && made.TryControl(Add, waker, WakeKey))
        {
            return made;
        }

        made.Dispose();
        return null;
    }

    /// <summary>Begins to wait for a descriptor, whose present state is told of like a change. Closing it ends that.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="key">What its events are told with.</param>
    /// <returns>False when the operating system allows no more.</returns>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    public bool TryAdd(SafeHandle descriptor, ulong key) => TryControl(Add, descriptor, key);

    /// <summary>Waits for it no longer.</summary>
    /// <exception cref="ObjectDisposedException">It is closed, which did the same.</exception>
    public void Remove(SafeHandle descriptor) => TryControl(Delete, descriptor, 0);

    /// <summary>Waits until something happens, however long, and fills <paramref name="events"/> from its begin.</summary>
    /// <param name="buffer">Room for the operating system, see <see cref="BytesFor"/>.</param>
    /// <param name="events">What has happened.</param>
    /// <returns>How much.</returns>
    public int Wait(byte[] buffer, PollEvent[] events)
    {
        int count = Wait(_epoll, buffer, events.Length, timeout: -1);
        if (count < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            return error == Interrupted ? 0 : throw new InvalidOperationException($"epoll_wait failed: {Marshal.GetPInvokeErrorMessage(error)}.");
        }

        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> at = buffer.AsSpan(i * EventBytes, EventBytes);
            events[i] = new((PollEvents)MemoryMarshal.Read<uint>(at), MemoryMarshal.Read<ulong>(at[KeyOffset..]));
        }

        return count;
    }

    /// <summary>The room that so many events need.</summary>
    public static int BytesFor(int events) => events * EventBytes;

    /// <summary>Ends the wait that is under way, or the next one, with an event of the key <see cref="WakeKey"/>.</summary>
    public void Wake()
    {
        Span<byte> one = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(one, BitConverter.IsLittleEndian ? 1 : 1UL << 56);
        Write(_waker, one, sizeof(ulong));
    }

    public void Dispose()
    {
        _waker.Dispose();
        _epoll.Dispose();
    }

    private bool TryControl(int operation, SafeHandle descriptor, ulong key)
    {
        Span<byte> interest = stackalloc byte[EventBytes];
        interest.Clear();
        MemoryMarshal.Write(interest, All | EdgeTriggered);
        MemoryMarshal.Write(interest[KeyOffset..], key);
        return Control(_epoll, operation, descriptor, interest) == 0;
    }

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle CreateEpoll(int flags);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle CreateEvent(uint value, int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(SafeFileHandle epoll, int operation, SafeHandle descriptor, ReadOnlySpan<byte> interest);

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Wait(SafeFileHandle epoll, [Out] byte[] events, int maxEvents, int timeout);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Write(SafeFileHandle descriptor, ReadOnlySpan<byte> bytes, nint count);
}

/// <summary>Something that has happened.</summary>
/// <param name="Events">What.</param>
/// <param name="Key">To whom.</param>
internal readonly record struct PollEvent(PollEvents Events, ulong Key);
