using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Sums and maxima over a warp or a block, always in the same order. Within a warp: five exchanges with the lane whose
/// number differs in one bit; every lane ends with the result. Across warps: through 32 words of shared memory.
/// </summary>
static class BlockReduce
{
    public const int WarpSize = 32;

    /// <summary>Shared words that the block forms need.</summary>
    public static ArrayView<float> Scratch() => SharedMemory.Allocate<float>(WarpSize);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float WarpSum(float value)
    {
        value += Warp.ShuffleXor(value, 16);
        value += Warp.ShuffleXor(value, 8);
        value += Warp.ShuffleXor(value, 4);
        value += Warp.ShuffleXor(value, 2);
        return value + Warp.ShuffleXor(value, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float WarpMax(float value)
    {
        value = Ptx.Max(value, Warp.ShuffleXor(value, 16));
        value = Ptx.Max(value, Warp.ShuffleXor(value, 8));
        value = Ptx.Max(value, Warp.ShuffleXor(value, 4));
        value = Ptx.Max(value, Warp.ShuffleXor(value, 2));
        return Ptx.Max(value, Warp.ShuffleXor(value, 1));
    }

    /// <summary>Sum over the block, in every thread. All threads must come here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(ArrayView<float> scratch, float value)
    {
        value = WarpSum(value);
        Spread(scratch, value);
        int lane = Group.IdxX & (WarpSize - 1);
        float total = WarpSum(lane < Group.DimX / WarpSize ? scratch[lane] : 0);
        Group.Barrier();
        return total;
    }

    /// <summary>Largest over the block, in every thread; NaN if one is NaN. All threads must come here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(ArrayView<float> scratch, float value)
    {
        value = WarpMax(value);
        Spread(scratch, value);
        int lane = Group.IdxX & (WarpSize - 1);
        float largest = WarpMax(lane < Group.DimX / WarpSize ? scratch[lane] : float.NegativeInfinity);
        Group.Barrier();
        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Spread(ArrayView<float> scratch, float value)
    {
        if ((Group.IdxX & (WarpSize - 1)) == 0) scratch[Group.IdxX / WarpSize] = value;
        Group.Barrier();
    }
}
