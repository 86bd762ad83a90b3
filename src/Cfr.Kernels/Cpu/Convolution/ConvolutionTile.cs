using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>A stretch of the sum behind an output: x[0..Length) of tile row 0, and the weights that belong to it.</summary>
unsafe struct WeightRun
{
    public float* X;
    public float* Weights;
    public long Length;

    /// <summary>Floats from the start of X's row to X; negative where X begins in the padding.</summary>
    public long InRow;
}

/// <summary>
/// The register tile of the direct convolution: R neighbouring voxels along W (rows of the tile) times 1 or 2 vectors of
/// output channels.
///   tile[i, :] = act(start[i, :] + sum over runs, k: x[i RowStep + k] weights[k, :])
/// In channels-last data the taps along W and the channels of a voxel are contiguous, and so are the weights: a run is a small
/// matrix product. Each k takes 2 loads of weights, R broadcasts of x and 2 R multiply-adds: 12 multiply-adds to 8 loads
/// for R = 6, which keeps two FMA units busy and needs 12 + 2 + 1 vector registers.
/// </summary>
static unsafe class ConvolutionTile<V, TActivation>
    where V : struct, IVector<V>
    where TActivation : struct, IActivation
{
    public const int MostRows = 6;

    /// <summary>Computes a tile of <paramref name="rows"/> rows.</summary>
    /// <param name="rows">1 to <see cref="MostRows"/>.</param>
    /// <param name="runs">The runs of the sum.</param>
    /// <param name="count">Their number.</param>
    /// <param name="shift">Added to each run's X.</param>
    /// <param name="rowStep">Floats of x from one tile row to the next.</param>
    /// <param name="start">What the sums start with.</param>
    /// <param name="startStep">Floats from one row of it to the next; 0 for a bias.</param>
    /// <param name="y">Receives the tile.</param>
    /// <param name="yStep">Floats from one row of y to the next.</param>
    public static void Run<TVectors>(
        int rows, WeightRun* runs, int count, long shift, long rowStep, float* start, long startStep, float* y, long yStep)
        where TVectors : struct, ITileSize
    {
        switch (rows)
        {
            case 6: Run<Six, TVectors>(runs, count, shift, rowStep, start, startStep, y, yStep); break;
            case 5: Run<Five, TVectors>(runs, count, shift, rowStep, start, startStep, y, yStep); break;
            case 4: Run<Four, TVectors>(runs, count, shift, rowStep, start, startStep, y, yStep); break;
            case 3: Run<Three, TVectors>(runs, count, shift, rowStep, start, startStep, y, yStep); break;
            case 2: Run<Two, TVectors>(runs, count, shift, rowStep, start, startStep, y, yStep); break;
            default: Run<One, TVectors>(runs, count, shift, rowStep, start, startStep, y, yStep); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Run<TRows, TVectors>(
        WeightRun* run, int count, long shift, long rowStep, float* start, long startStep, float* y, long yStep)
        where TRows : struct, ITileSize
        where TVectors : struct, ITileSize
    {
        V y00 = V.Load(start), y01 = default, y10 = default, y11 = default, y20 = default, y21 = default;
        V y30 = default, y31 = default, y40 = default, y41 = default, y50 = default, y51 = default;
        if (TVectors.Value > 1) y01 = V.Load(start + V.Width);
        if (TRows.Value > 1)
        {
            y10 = V.Load(start + startStep);
            if (TVectors.Value > 1) y11 = V.Load(start + startStep + V.Width);
        }
        if (TRows.Value > 2)
        {
            y20 = V.Load(start + 2 * startStep);
            if (TVectors.Value > 1) y21 = V.Load(start + 2 * startStep + V.Width);
        }
        if (TRows.Value > 3)
        {
            y30 = V.Load(start + 3 * startStep);
            if (TVectors.Value > 1) y31 = V.Load(start + 3 * startStep + V.Width);
        }
        if (TRows.Value > 4)
        {
            y40 = V.Load(start + 4 * startStep);
            if (TVectors.Value > 1) y41 = V.Load(start + 4 * startStep + V.Width);
        }
        if (TRows.Value > 5)
        {
            y50 = V.Load(start + 5 * startStep);
            if (TVectors.Value > 1) y51 = V.Load(start + 5 * startStep + V.Width);
        }

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
                y00 = V.MultiplyAdd(x, w0, y00);
                if (TVectors.Value > 1) y01 = V.MultiplyAdd(x, w1, y01);
                if (TRows.Value > 1)
                {
                    x = V.Splat(x1[k]);
                    y10 = V.MultiplyAdd(x, w0, y10);
                    if (TVectors.Value > 1) y11 = V.MultiplyAdd(x, w1, y11);
                }
                if (TRows.Value > 2)
                {
                    x = V.Splat(x2[k]);
                    y20 = V.MultiplyAdd(x, w0, y20);
                    if (TVectors.Value > 1) y21 = V.MultiplyAdd(x, w1, y21);
                }
                if (TRows.Value > 3)
                {
                    x = V.Splat(x3[k]);
                    y30 = V.MultiplyAdd(x, w0, y30);
                    if (TVectors.Value > 1) y31 = V.MultiplyAdd(x, w1, y31);
                }
                if (TRows.Value > 4)
                {
                    x = V.Splat(x4[k]);
                    y40 = V.MultiplyAdd(x, w0, y40);
                    if (TVectors.Value > 1) y41 = V.MultiplyAdd(x, w1, y41);
                }
                if (TRows.Value > 5)
                {
                    x = V.Splat(x5[k]);
                    y50 = V.MultiplyAdd(x, w0, y50);
                    if (TVectors.Value > 1) y51 = V.MultiplyAdd(x, w1, y51);
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
