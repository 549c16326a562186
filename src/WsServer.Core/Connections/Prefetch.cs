using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace WsServer.Connections;

/// <summary>Asks the processor to bring an object into its cache while it does something else. Only ever a hint.</summary>
internal static class Prefetch
{
    /// <summary>The line at the object's start, and the one behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Object(object? target)
    {
        if (Sse.IsSupported)
        {
            // The address may be stale by the time it is used: then another line is brought in for nothing.
            byte* address = *(byte**)Unsafe.AsPointer(ref target);
            Sse.Prefetch0(address);
            Sse.Prefetch0(address + 64);
        }
    }
}
