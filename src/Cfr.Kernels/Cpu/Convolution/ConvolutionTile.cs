using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// A stretch of the sum behind an output: x[0..Length) of tile row 0, and the weights that belong to it.
/// </summary>
unsafe struct WeightRun
{
    public float* X;
    public float* Weights;
    public long Length;
}

/// <summary>
/// The register tile of the direct convolution: R neighbouring voxels along W (rows of the tile) times 1 or 2 vectors
/// of output channels.
///   tile[i, :] = act(bias + sum over runs, k: x[i RowStep + k] weights[k, :])
/// In channels-last data the taps along W and the channels of a voxel are contiguous, and so are the weights: a run is
/// a small matrix product. Each k takes 2 loads of weights, R broadcasts of x and 2 R multiply-adds: 12 multiply-adds
/// to 8 loads for R = 6, which keeps two FMA units busy and needs 12 + 2 + 1 vector registers.
/// </summary>
static unsafe class ConvolutionTile<V, TActivation>
    where V : struct, IVector<V>
    where TActivation : struct, IActivation
{
    /// <summary>Computes a tile of <paramref name="rows"/> rows.</summary>
    /// <param name="rows">1 to 6.</param>
    /// <param name="runs">The runs of the sum.</param>
    /// <param name="count">Their number.</param>
    /// <param name="shift">Added to each run's X.</param>
    /// <param name="rowStep">Floats of x from one tile row to the next.</param>
    /// <param name="bias">What every row's sum starts with.</param>
    /// <param name="y">Receives the tile.</param>
    /// <param name="yStep">Floats from one row of y to the next.</param>
    public static void Run<TVectors>(
        int rows, WeightRun* runs, int count, long shift, long rowStep, float* bias, float* y, long yStep)
        where TVectors : struct, ITileSize
    {
        switch (rows)
        {
            case 6: Run<Six, TVectors>(runs, count, shift, rowStep, bias, y, yStep); break;
            case 5: Run<Five, TVectors>(runs, count, shift, rowStep, bias, y, yStep); break;
            case 4: Run<Four, TVectors>(runs, count, shift, rowStep, bias, y, yStep); break;
            case 3: Run<Three, TVectors>(runs, count, shift, rowStep, bias, y, yStep); break;
            case 2: Run<Two, TVectors>(runs, count, shift, rowStep, bias, y, yStep); break;
            default: Run<One, TVectors>(runs, count, shift, rowStep, bias, y, yStep); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Run<TRows, TVectors>(
        WeightRun* run, int count, long shift, long rowStep, float* bias, float* y, long yStep)
        where TRows : struct, ITileSize
        where TVectors : struct, ITileSize
    {
        V y00 = V.Load(bias), y01 = TVectors.Value > 1 ? V.Load(bias + V.Width) : default;
        V y10 = y00, y11 = y01, y20 = y00, y21 = y01, y30 = y00, y31 = y01, y40 = y00, y41 = y01, y50 = y00, y51 = y01;
        for (WeightRun* end = run + count; run < end; run++)
        {
            float* x0 = run->X + shift, x1 = x0 + rowStep, x2 = x1 + rowStep;
            float* x3 = x2 + rowStep, x4 = x3 + rowStep, x5 = x4 + rowStep;
            float* weights = run->Weights;
            long length = run->Length;
            for (long k = 0; k < length; k++)
            {
                V w0 = V.Load(weights), w1 = TVectors.Value > 1 ? V.Load(weights + V.Width) : default;
                weights += TVectors.Value * V.Width;
                V x = V.Splat(x0[k]);
                V.AddProduct(ref y00, x, w0);
                if (TVectors.Value > 1) V.AddProduct(ref y01, x, w1);
                if (TRows.Value > 1)
                {
                    x = V.Splat(x1[k]);
                    V.AddProduct(ref y10, x, w0);
                    if (TVectors.Value > 1) V.AddProduct(ref y11, x, w1);
                }
                if (TRows.Value > 2)
                {
                    x = V.Splat(x2[k]);
                    V.AddProduct(ref y20, x, w0);
                    if (TVectors.Value > 1) V.AddProduct(ref y21, x, w1);
                }
                if (TRows.Value > 3)
                {
                    x = V.Splat(x3[k]);
                    V.AddProduct(ref y30, x, w0);
                    if (TVectors.Value > 1) V.AddProduct(ref y31, x, w1);
                }
                if (TRows.Value > 4)
                {
                    x = V.Splat(x4[k]);
                    V.AddProduct(ref y40, x, w0);
                    if (TVectors.Value > 1) V.AddProduct(ref y41, x, w1);
                }
                if (TRows.Value > 5)
                {
                    x = V.Splat(x5[k]);
                    V.AddProduct(ref y50, x, w0);
                    if (TVectors.Value > 1) V.AddProduct(ref y51, x, w1);
                }
            }
        }

        Store<TVectors>(y00, y01, y);
        if (TRows.Value > 1) Store<TVectors>(y10, y11, y + yStep);
        if (TRows.Value > 2) Store<TVectors>(y20, y21, y + 2 * yStep);
        if (TRows.Value > 3) Store<TVectors>(y30, y31, y + 3 * yStep);
        if (TRows.Value > 4) Store<TVectors>(y40, y41, y + 4 * yStep);
        if (TRows.Value > 5) Store<TVectors>(y50, y51, y + 5 * yStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store<TVectors>(V sum0, V sum1, float* y) where TVectors : struct, ITileSize
    {
        TActivation.Apply(sum0).Store(y);
        if (TVectors.Value > 1) TActivation.Apply(sum1).Store(y + V.Width);
    }
}
