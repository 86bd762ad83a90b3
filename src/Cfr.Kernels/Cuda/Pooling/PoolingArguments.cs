using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of the pooling kernels: outputs of the forward pass, inputs of the backward pass are Items.</summary>
struct PoolingArguments
{
    /// <summary>x and y, or dx and dy.</summary>
    public long X, Y, Index;

    /// <summary>Elements, or packets of four channels, that are written.</summary>
    public int Items;

    /// <summary>What Items are counted in.</summary>
    public VoxelGrid Grid;

    /// <summary>Elements, or packets, that a voxel has.</summary>
    public int Channels;
    public int InputD, InputH, InputW, OutputD, OutputH, OutputW;
    public int KernelD, KernelH, KernelW, PaddingD, PaddingH, PaddingW;
    public Divisor StrideD, StrideH, StrideW;
}

/// <summary>Places [Begin, End) along an axis.</summary>
struct PoolingRange
{
    public int Begin, End;

    /// <summary>The inputs of a window.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PoolingRange OfWindow(int output, int inputs, int kernel, Divisor stride, int padding)
    {
        int first = output * stride.Value - padding;
        return new PoolingRange { Begin = Ptx.Max(first, 0), End = Ptx.Min(first + kernel, inputs) };
    }

    /// <summary>The windows that an input lies in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PoolingRange OfInput(int input, int outputs, int kernel, Divisor stride, int padding) => new()
    {
        Begin = (Ptx.Max(input + padding - kernel + 1, 0) + stride.Value - 1) / stride,
        End = Ptx.Min((input + padding) / stride + 1, outputs),
    };
}
