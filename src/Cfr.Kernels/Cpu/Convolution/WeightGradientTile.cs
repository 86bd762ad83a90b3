using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// A stretch of voxels: x of the first one, its place among the packed output gradients, and how many.
/// </summary>
unsafe struct VoxelRun
{
    public float* X;
    public long Voxel;
    public long Count;
}

/// <summary>
/// The register tile of the weight gradient: R neighbouring rows (tap along W, in channel) of dw times 1 or 2 vectors
/// of output channels, summed over voxels.
///   dw[i, :] = start[i, :] + sum over runs, voxels v: x[v XStep + i] dy[v, :]
/// Each voxel takes 2 loads of dy, R broadcasts of x and 2 R multiply-adds, as in <see cref="ConvolutionTile{V, A}"/>.
/// </summary>
static unsafe class WeightGradientTile<V> where V : struct, IVector<V>
{
    /// <summary>Computes a tile of <paramref name="rows"/> rows.</summary>
    /// <param name="rows">1 to 6.</param>
    /// <param name="runs">The voxels.</param>
    /// <param name="count">The number of runs.</param>
    /// <param name="shift">Added to each run's X: the tile's first row.</param>
    /// <param name="xStep">Floats of x from one voxel to the next.</param>
    /// <param name="dy">Packed output gradients, one panel.</param>
    /// <param name="add">Whether to add to what dw holds.</param>
    /// <param name="dw">Receives the tile.</param>
    /// <param name="dwStep">Floats from one row of dw to the next.</param>
    public static void Run<TVectors>(
        int rows, VoxelRun* runs, int count, long shift, long xStep, float* dy, bool add, float* dw, long dwStep)
        where TVectors : struct, ITileSize
    {
        switch (rows)
        {
            case 6: Run<Six, TVectors>(runs, count, shift, xStep, dy, add, dw, dwStep); break;
            case 5: Run<Five, TVectors>(runs, count, shift, xStep, dy, add, dw, dwStep); break;
            case 4: Run<Four, TVectors>(runs, count, shift, xStep, dy, add, dw, dwStep); break;
            case 3: Run<Three, TVectors>(runs, count, shift, xStep, dy, add, dw, dwStep); break;
            case 2: Run<Two, TVectors>(runs, count, shift, xStep, dy, add, dw, dwStep); break;
            default: Run<One, TVectors>(runs, count, shift, xStep, dy, add, dw, dwStep); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Run<TRows, TVectors>(
        VoxelRun* run, int count, long shift, long xStep, float* dy, bool add, float* dw, long dwStep)
        where TRows : struct, ITileSize
        where TVectors : struct, ITileSize
    {
        V w00 = default, w01 = default, w10 = default, w11 = default, w20 = default, w21 = default;
        V w30 = default, w31 = default, w40 = default, w41 = default, w50 = default, w51 = default;
        for (VoxelRun* end = run + count; run < end; run++)
        {
            float* x = run->X + shift, d = dy + run->Voxel * TVectors.Value * V.Width;
            for (long left = run->Count; left > 0; left--)
            {
                V d0 = V.Load(d), d1 = TVectors.Value > 1 ? V.Load(d + V.Width) : default;
                V a = V.Splat(x[0]);
                V.AddProduct(ref w00, a, d0);
                if (TVectors.Value > 1) V.AddProduct(ref w01, a, d1);
                if (TRows.Value > 1)
                {
                    a = V.Splat(x[1]);
                    V.AddProduct(ref w10, a, d0);
                    if (TVectors.Value > 1) V.AddProduct(ref w11, a, d1);
                }
                if (TRows.Value > 2)
                {
                    a = V.Splat(x[2]);
                    V.AddProduct(ref w20, a, d0);
                    if (TVectors.Value > 1) V.AddProduct(ref w21, a, d1);
                }
                if (TRows.Value > 3)
                {
                    a = V.Splat(x[3]);
                    V.AddProduct(ref w30, a, d0);
                    if (TVectors.Value > 1) V.AddProduct(ref w31, a, d1);
                }
                if (TRows.Value > 4)
                {
                    a = V.Splat(x[4]);
                    V.AddProduct(ref w40, a, d0);
                    if (TVectors.Value > 1) V.AddProduct(ref w41, a, d1);
                }
                if (TRows.Value > 5)
                {
                    a = V.Splat(x[5]);
                    V.AddProduct(ref w50, a, d0);
                    if (TVectors.Value > 1) V.AddProduct(ref w51, a, d1);
                }
                x += xStep;
                d += TVectors.Value * V.Width;
            }
        }

        Store<TVectors>(w00, w01, add, dw);
        if (TRows.Value > 1) Store<TVectors>(w10, w11, add, dw + dwStep);
        if (TRows.Value > 2) Store<TVectors>(w20, w21, add, dw + 2 * dwStep);
        if (TRows.Value > 3) Store<TVectors>(w30, w31, add, dw + 3 * dwStep);
        if (TRows.Value > 4) Store<TVectors>(w40, w41, add, dw + 4 * dwStep);
        if (TRows.Value > 5) Store<TVectors>(w50, w51, add, dw + 5 * dwStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store<TVectors>(V sum0, V sum1, bool add, float* dw) where TVectors : struct, ITileSize
    {
        (add ? sum0 + V.Load(dw) : sum0).Store(dw);
        if (TVectors.Value > 1) (add ? sum1 + V.Load(dw + V.Width) : sum1).Store(dw + V.Width);
    }
}
