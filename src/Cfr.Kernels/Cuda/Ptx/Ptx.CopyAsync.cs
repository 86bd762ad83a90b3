using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Copies from global to shared memory that pass by the registers. They run while the thread goes on; those that a
/// thread committed as a group are waited for as a group. In the emulator a copy is done at once.
/// </summary>
static unsafe partial class Ptx
{
    /// <summary>
    /// Starts copying 16 bytes, past L1. The first <paramref name="bytes"/> (0 to 16) come from the source, the rest
    /// are
    /// zeros; with 0 the source is not touched.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyAsync16(SharedBytes shared, uint offset, long source, int bytes)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16, %2;", shared.Base + offset, source, bytes);
            return;
        }
        EmulateCopy(shared, offset, source, 16, bytes);
    }

    /// <summary>Starts copying 8 bytes, the first <paramref name="bytes"/> from the source, the rest zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyAsync8(SharedBytes shared, uint offset, long source, int bytes)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("cp.async.ca.shared.global [%0], [%1], 8, %2;", shared.Base + offset, source, bytes);
            return;
        }
        EmulateCopy(shared, offset, source, 8, bytes);
    }

    /// <summary>Starts copying 4 bytes, the first <paramref name="bytes"/> from the source, the rest zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyAsync4(SharedBytes shared, uint offset, long source, int bytes)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("cp.async.ca.shared.global [%0], [%1], 4, %2;", shared.Base + offset, source, bytes);
            return;
        }
        EmulateCopy(shared, offset, source, 4, bytes);
    }

    /// <summary>Closes the group of this thread's copies since the last call; it may be empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CommitCopies()
    {
        if (CudaAsm.IsSupported) CudaAsm.Emit("cp.async.commit_group;");
    }

    /// <summary>Waits for all groups of this thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForCopies()
    {
        if (CudaAsm.IsSupported) CudaAsm.Emit("cp.async.wait_group 0;");
    }

    /// <summary>Waits for all groups of this thread but the newest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForCopiesButOne()
    {
        if (CudaAsm.IsSupported) CudaAsm.Emit("cp.async.wait_group 1;");
    }

    /// <summary>Waits for all groups of this thread but the two newest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForCopiesButTwo()
    {
        if (CudaAsm.IsSupported) CudaAsm.Emit("cp.async.wait_group 2;");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void EmulateCopy(SharedBytes shared, uint offset, long source, int bytes, int given)
    {
        for (int at = 0; at < bytes; at += 4)
        {
            uint word = 0;
            for (int i = 0; i < 4; i++)
                if (at + i < given) word |= (uint)((byte*)source)[at + i] << 8 * i;
            shared[offset + (uint)at] = word;
        }
    }
}
