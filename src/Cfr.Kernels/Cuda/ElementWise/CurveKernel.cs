using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="CurveKernel"/>.</summary>
struct CurveArguments
{
    public long X, Points, Y;
    public int Count;
    public Divisor Channels;
}

/// <summary>
/// y[r, c] = the <see cref="BezierCurve"/> c of x[r, c]. 8 bytes an element beside points that stay in caches; a search of 17
/// steps of some 15 operations in double precision, a thread an element: bound by those, 250 FLOP an element.
/// </summary>
static unsafe class CurveKernel
{
    public static void Run(CurveArguments a)
    {
        float* x = (float*)a.X, y = (float*)a.Y;
        int threads = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < a.Count; i += threads)
        {
            int channel = i - i / a.Channels * a.Channels.Value;
            float* points = (float*)a.Points + 4 * channel;
            float value = x[i];
            if (points[0] >= 0) value = (float)BezierCurve.At(points[0], points[1], points[2], points[3], value);
            y[i] = value;
        }
    }
}
