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

    /// <summary>
    /// Sums over the threads of a block that have the same number modulo <paramref name="lanes"/>, a power of two up to
    /// a warp, in each of them. All threads must come here; it takes 16 bytes a lane and warp of the block's shared
    /// memory, whatever lies there.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes SumOfLanes(SharedBytes shared, int lanes, FourLanes value)
    {
        for (int distance = lanes; distance < WarpSize; distance *= 2)
        {
            value += new FourLanes(new Float4(
                Warp.ShuffleXor(value.X.Value, distance), Warp.ShuffleXor(value.Y.Value, distance),
                Warp.ShuffleXor(value.Z.Value, distance), Warp.ShuffleXor(value.W.Value, distance)));
        }
        int lane = Group.IdxX & (WarpSize - 1), own = lane & (lanes - 1), warp = Group.IdxX / WarpSize;
        Group.Barrier();
        if (lane < lanes)
        {
            shared.Store4(
                (uint)(warp * lanes + lane) * 16,
                new Float4(value.X.Value, value.Y.Value, value.Z.Value, value.W.Value));
        }
        Group.Barrier();
        FourLanes total = FourLanes.Splat(0);
        for (int i = own; i < Group.DimX / WarpSize * lanes; i += lanes)
            total += new FourLanes(shared.Load4((uint)i * 16));
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Spread(ArrayView<float> scratch, float value)
    {
        if ((Group.IdxX & (WarpSize - 1)) == 0) scratch[Group.IdxX / WarpSize] = value;
        Group.Barrier();
    }
}
