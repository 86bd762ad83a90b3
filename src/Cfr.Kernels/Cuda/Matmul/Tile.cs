namespace Cfr.Kernels.Cuda;

/// <summary>What all tiles have in common.</summary>
static class Tile
{
    /// <summary>Bytes of k in a stage: 32 bfloat16 or 16 floats of every line.</summary>
    public const int StageBytes = 64;

    /// <summary>Stages in shared memory: one is multiplied while two are on their way and one is refilled.</summary>
    public const int Stages = 4;

    /// <summary>Shared memory for the stages of both operands, and afterwards for the sums.</summary>
    public static int SharedBytes(int rows, int columns) =>
        Math.Max(Stages * (rows + columns) * StageBytes, rows * columns * sizeof(float));
}
