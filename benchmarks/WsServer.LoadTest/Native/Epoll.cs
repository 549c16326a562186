using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace WsServer.LoadTest.Native;

/// <summary>What happened to a descriptor.</summary>
/// <param name="Tag">The number it was added with.</param>
/// <param name="Readable">There is something to read, the end of the stream or an error included.</param>
/// <param name="Writable">There is room to write, or an error.</param>
internal readonly record struct Readiness(int Tag, bool Readable, bool Writable);

/// <summary>Waits for many descriptors at once (<c>epoll(7)</c>, level-triggered).</summary>
internal sealed class Epoll : IDisposable
{
    private const int MaxEvents = 1024;
    private const int Add = 1;
    private const int Modify = 3;
    private const uint In = 1;
    private const uint Out = 4;
    private const uint Error = 8;
    private const uint HangUp = 16;

    // struct epoll_event is packed on x86-64 only; elsewhere its data is aligned to eight bytes.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventSize = DataOffset + 8;

    private readonly byte[] _events = new byte[MaxEvents * EventSize];
    private readonly int _descriptor = Libc.EpollCreate(Libc.CloseOnExec);

    public Epoll()
    {
        if (_descriptor < 0)
        {
            throw new Win32Exception();
        }
    }

    /// <summary>Begins to watch a descriptor. Closing it ends that.</summary>
    public void Watch(int descriptor, int tag, bool readable, bool writable) => Control(Add, descriptor, tag, readable, writable);

    /// <summary>Watches for other things than before.</summary>
    public void Change(int descriptor, int tag, bool readable, bool writable) => Control(Modify, descriptor, tag, readable, writable);

    /// <summary>Waits until something happens, at most <paramref name="timeoutMs"/>, and says how much; <see cref="this"/> tells what.</summary>
    public int Wait(int timeoutMs)
    {
        int count = Libc.EpollWait(_descriptor, _events, MaxEvents, timeoutMs);
        if (count >= 0)
        {
            return count;
        }

        return Marshal.GetLastPInvokeError() == Libc.Interrupted ? 0 : throw new Win32Exception();
    }

    public Readiness this[int index]
    {
        get
        {
            ReadOnlySpan<byte> at = _events.AsSpan(index * EventSize, EventSize);
            uint what = BinaryPrimitives.ReadUInt32LittleEndian(at);
            int tag = BinaryPrimitives.ReadInt32LittleEndian(at[DataOffset..]);
            return new Readiness(tag, (what & (In | Error | HangUp)) != 0, (what & (Out | Error | HangUp)) != 0);
        }
    }

    public void Dispose() => _ = Libc.Close(_descriptor);

    private void Control(int operation, int descriptor, int tag, bool readable, bool writable)
    {
        Span<byte> interest = stackalloc byte[EventSize];
        interest.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(interest, (readable ? In : 0) | (writable ? Out : 0));
        BinaryPrimitives.WriteInt32LittleEndian(interest[DataOffset..], tag);
        if (Libc.EpollControl(_descriptor, operation, descriptor, interest) < 0)
        {
            throw new Win32Exception();
        }
    }
}
