namespace Cfr.Kernels.Cuda;

/// <summary>
/// Arguments of <see cref="Unfold"/> and <see cref="Fold"/>. Patches are a matrix: a row for each output voxel, columns
/// <c>[KD, KH, KW, Channels]</c>, as the weights lie.
/// </summary>
struct PatchArguments
{
    /// <summary>The volume <c>[Batch, D, H, W, Channels]</c> and the rows from the first one of a launch on.</summary>
    public long Volume, Patches;

    /// <summary>Bias of a volume that is folded, or 0.</summary>
    public long Bias;

    public Extent Size, Output, Kernel, Padding;
    public int Channels;

    /// <summary>Columns of the matrix; elements from row to row.</summary>
    public int Columns;
    public Divisor StrideD, StrideH, StrideW;

    /// <summary>What an index is made of: voxel and vector of channels, and column and row.</summary>
    public VoxelGrid Voxels, OutputVoxels;
    public Divisor RowVectors, ChannelVectors, KernelW, KernelH;

    /// <summary>The batch entry (Fold) or the row (Unfold) that a launch begins with.</summary>
    public int First;

    /// <summary>Vectors to write.</summary>
    public int Items;
}
