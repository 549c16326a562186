using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace WsServer;

/// <summary>
/// Asks the processor to bring objects into its cache while it does something else. A delivery goes through a handful of
/// objects that belong to its receiver alone; in a fan-out to thousands none of them is in the cache any more, and to
/// wait for one after the other costs as much as all the rest of the delivery that is not the kernel's.
/// </summary>
internal static class Prefetch
{
    private const int LineBytes = 64;

    /// <summary>Asks for the first two lines of an object. Only ever a hint: nothing is read, and nothing can fail.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Object(object? target)
    {
        if (Sse.IsSupported)
        {
            // The collector may move the object meanwhile: then a line is brought in for nothing.
            byte* address = *(byte**)Unsafe.AsPointer(ref target);
            Sse.Prefetch0(address);
            Sse.Prefetch0(address + LineBytes);
        }
    }
}

/// <summary>A link of the chain of objects that a delivery goes through.</summary>
internal interface IPrefetched
{
    /// <summary>
    /// Asks for the link so many behind this one, 0 being the next. Those before it were asked for a while ago, and are
    /// read.
    /// </summary>
    void Prefetch(int link);
}
