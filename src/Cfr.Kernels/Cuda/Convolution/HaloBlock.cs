using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>What a block of a convolution from boxes makes: a box of outputs, and a group of their channels.</summary>
struct HaloBlock
{
    public int Box, Group;

    /// <summary>The first output, and the first input that it reads, which may lie outside.</summary>
    public VoxelPlace Output, Input;

    /// <summary>That of the block of this number, where boxes and groups have this size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HaloBlock Of(HaloArguments a, int number, int depth, int height, int width, int columns)
    {
        int box = number / a.Groups, group = number - box * a.Groups.Value;
        int row = box / a.BoxesW, plane = row / a.BoxesH, batch = plane / a.BoxesD;
        var output = new VoxelPlace
        {
            Batch = batch,
            D = (plane - batch * a.BoxesD.Value) * depth,
            H = (row - plane * a.BoxesH.Value) * height,
            W = (box - row * a.BoxesW.Value) * width,
            Channel = group * columns,
        };
        VoxelPlace input = output;
        input.D -= a.Padding.D;
        input.H -= a.Padding.H;
        input.W -= a.Padding.W;
        input.Channel = 0;
        return new HaloBlock { Box = box, Group = group, Output = output, Input = input };
    }

    /// <summary>Outputs of the box that exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Voxels(HaloBlock block, HaloArguments a, int depth, int height, int width) =>
        Ptx.Min(depth, a.Output.D - block.Output.D) * Ptx.Min(height, a.Output.H - block.Output.H)
        * Ptx.Min(width, a.Output.W - block.Output.W);
}
