namespace Cfr.Kernels;

/// <summary>
/// Max pooling of <c>[Batch, Input, Channels]</c> to <c>[Batch, Output, Channels]</c>; padding never wins.
/// </summary>
public readonly record struct PoolingShape(
    int Batch, Extent Input, int Channels, Extent Output, Extent Kernel, Extent Stride, Extent Padding);

/// <summary>Max pooling.</summary>
public interface IPooling
{
    /// <summary>
    /// Largest value of each window and, in <paramref name="argMax"/> (int32, one per output), the flat voxel index
    /// <c>(d H + h) W + w</c> it came from: the first one of equals, NaN beats all.
    /// </summary>
    void MaxForward(PoolingShape shape, View x, View y, View argMax);

    /// <summary>dx[argMax] += dy, over zeros.</summary>
    void MaxBackward(PoolingShape shape, View dy, View argMax, View dx);
}
