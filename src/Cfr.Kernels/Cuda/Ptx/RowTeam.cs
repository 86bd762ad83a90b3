using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// The threads that share a row: some lanes of a warp (a power of two, so that narrow rows share a warp), or a whole
/// block. Sums and maxima over the team end in each of its threads; all threads of the block must come to them.
/// </summary>
interface IRowTeam
{
    /// <summary>Threads of a team, where a launch asks for <paramref name="lanes"/>.</summary>
    static abstract int Size(int lanes);

    static abstract float Sum(ArrayView<float> scratch, int size, float value);

    static abstract float Max(ArrayView<float> scratch, int size, float value);
}

/// <summary>Lanes of a warp: no shared memory, no barrier.</summary>
readonly struct LanesOfWarp : IRowTeam
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Size(int lanes) => lanes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(ArrayView<float> scratch, int size, float value)
    {
        for (int distance = size / 2; distance > 0; distance /= 2) value += Warp.ShuffleXor(value, distance);
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(ArrayView<float> scratch, int size, float value)
    {
        for (int distance = size / 2; distance > 0; distance /= 2)
            value = Ptx.Max(value, Warp.ShuffleXor(value, distance));
        return value;
    }
}

/// <summary>All threads of a block.</summary>
readonly struct WholeBlock : IRowTeam
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Size(int lanes) => Group.DimX;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(ArrayView<float> scratch, int size, float value) => BlockReduce.Sum(scratch, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(ArrayView<float> scratch, int size, float value) => BlockReduce.Max(scratch, value);
}

/// <summary>
/// A team's way through rows of vectors: rank r of the team takes vectors r, r + Size, ... of row after row.
/// Teams without a row of their own at the end repeat the last one and keep the result to themselves (Mine).
/// </summary>
struct RowWalk<TTeam> where TTeam : struct, IRowTeam
{
    /// <summary>Threads of a team; this thread's place in it; its team and their number in the block.</summary>
    public int Size, Rank, Team, Teams;

    public RowWalk(int lanes)
    {
        Size = TTeam.Size(lanes);
        Rank = Group.IdxX & (Size - 1);
        Team = Ptx.Hold(Group.IdxX / Size);
        Teams = Ptx.Hold(Group.DimX / Size);
    }

    /// <summary>The block's first row of its first round.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long First() => (long)Grid.IdxX * Teams;

    /// <summary>Rows that all blocks take in a round.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Step() => (long)Grid.DimX * Teams;

    /// <summary>This team's row in the round that begins with <paramref name="first"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Row(long first, long rows)
    {
        long row = first + Team;
        return row < rows ? row : rows - 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Mine(long first, long rows) => first + Team < rows;
}

/// <summary>How a launch deals rows to teams.</summary>
readonly struct RowPlan
{
    const int WidestForWarp = 1024, PacketFloats = 4;

    /// <summary>Whether rows go to whole blocks.</summary>
    public readonly bool Block;

    /// <summary>Whether all rows begin at multiples of 16 bytes and consist of packets.</summary>
    public readonly bool Packed;

    /// <summary>Threads of a team of lanes.</summary>
    public readonly int Lanes;

    public RowPlan(int width, params ReadOnlySpan<View> operands)
    {
        Packed = width % PacketFloats == 0;
        foreach (View operand in operands) Packed &= operand.Address % (PacketFloats * sizeof(float)) == 0;
        Vectors = Packed ? width / PacketFloats : width;
        Block = width > WidestForWarp;
        Lanes = (int)Math.Min(BlockReduce.WarpSize, BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, Vectors)));
    }

    /// <summary>Vectors of a row.</summary>
    public readonly int Vectors;

    /// <summary>
    /// The one of four kernels: lanes and floats, lanes and packets, block and floats, block and packets.
    /// </summary>
    public Kernel<TArguments> Of<TArguments>(Kernel<TArguments>[] kernels) where TArguments : unmanaged =>
        kernels[(Block ? 2 : 0) + (Packed ? 1 : 0)];

    /// <summary>Blocks for so many rows.</summary>
    public int Blocks(GpuDevice gpu, Kernel kernel, long rows)
    {
        int teams = Block ? 1 : gpu.BlockSize(kernel) / Lanes;
        return (int)Math.Min((rows + teams - 1) / teams, gpu.FullGrid);
    }
}
