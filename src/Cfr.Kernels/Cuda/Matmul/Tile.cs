using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>What all tiles have in common.</summary>
static class Tile
{
    /// <summary>Bytes of k in a stage: 32 bfloat16 or 16 floats of every line.</summary>
    public const int StageBytes = 64;

    /// <summary>Stages in shared memory: one is multiplied while two are on their way and one is refilled.</summary>
    public const int Stages = 4;

    /// <summary>
    /// The logarithm of a power of two up to 64. Where the number is known when the kernel is compiled it folds to a
    /// constant; a division by it would not.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Log2(int power) =>
        power == 1 ? 0 : power == 2 ? 1 : power == 4 ? 2 : power == 8 ? 3 : power == 16 ? 4 : power == 32 ? 5 : 6;

    /// <summary>Shared memory for the stages of both operands, and afterwards for the sums.</summary>
    public static int SharedBytes(int rows, int columns) =>
        Math.Max(Stages * (rows + columns) * StageBytes, rows * columns * sizeof(float));
}
