using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>A gradient that has not been computed (<see cref="ProductView"/>).</summary>
struct LineProduct
{
    /// <summary>
    /// The left factor [voxels, Steps] and the right one, [Channels] a step, for all samples or for each.
    /// </summary>
    public long Left, Right;
    public int Steps;

    /// <summary>Voxels of a sample, and floats from its right factor to the next.</summary>
    public Divisor Spatial;
    public int BetweenSamples;
}

/// <summary>The gradient that a norm's backward pass begins with: stored, or else a product.</summary>
readonly record struct NormGradient(View Stored, LineProduct Product)
{
    public static implicit operator NormGradient(View stored) => new(stored, default);

    public static NormGradient Of(NormShape shape, ProductView dy) => new(default, new LineProduct
    {
        Left = dy.Left.Address,
        Right = dy.Right.Address,
        Steps = dy.Steps,
        Spatial = new Divisor((int)shape.Spatial),
        BetweenSamples = dy.EachSample ? dy.Steps * shape.Channels : 0,
    });

    public bool IsStored => Product.Steps == 0;
}

/// <summary>How a pass over channels gets the gradient of a thread's packet of a line.</summary>
interface ILineGradient
{
    static abstract FourLanes Load(ColumnArguments a, ColumnThread thread, int packed, long offset, long line);
}

/// <summary>It lies in memory.</summary>
readonly struct StoredGradient : ILineGradient
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Load(ColumnArguments a, ColumnThread thread, int packed, long offset, long line) =>
        ColumnPacket.Load(a.Dy + offset, packed);
}

/// <summary>
/// It is a product of one or two steps (the gradient of logits of two classes), summed as <see cref="ShortMatmul"/>,
/// which takes those of more than 8 channels, would. Of the left factor a line reads 4 bytes a step, the same for all its
/// threads; the right one stays in L1. A line is a voxel: channels come in packets.
/// </summary>
readonly struct ProductGradient : ILineGradient
{
    public const int MostSteps = 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Load(ColumnArguments a, ColumnThread thread, int packed, long offset, long line)
    {
        LineProduct p = a.Product;
        int voxel = (int)(thread.Sample * a.Tiling.Lines + line), sample = voxel / p.Spatial;
        bool areTwo = p.Steps == MostSteps;
        long left = Ptx.MultiplyAddWide(voxel * p.Steps, sizeof(float), p.Left);
        long right = Ptx.MultiplyAddWide(sample * p.BetweenSamples + 4 * thread.Column, sizeof(float), p.Right);
        float t0 = Ptx.LoadOrZero(left, true), t1 = Ptx.LoadOrZero(left + sizeof(float), areTwo);
        Float4 r0 = Ptx.Load4OrZeros(right, true), r1 = Ptx.Load4OrZeros(right + thread.LineBytes, areTwo);
        return FourLanes.MultiplyAdd(FourLanes.Splat(t1), Lanes(r1), FourLanes.Splat(t0) * Lanes(r0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static FourLanes Lanes(Float4 r) => new(new(r.X), new(r.Y), new(r.Z), new(r.W));
}
