using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Arguments of <see cref="SerialSums"/>; InnerVectors is Inner in vectors, Outputs their number in y.
/// </summary>
struct SerialSumArguments
{
    public long X, Y, Outputs, Middle, InnerVectors;
    public int Accumulate;
    public float Scale;
}

/// <summary>
/// Sums over a short middle axis, or of so many results that they fill the device: a vector of results a thread. 4
/// bytes an element; bound by memory.
/// </summary>
static class SerialSums
{
    public static void Sum<V>(SerialSumArguments a) where V : struct, IDeviceVector<V>
    {
        long threads = (long)Grid.DimX * Group.DimX, vector = 4L * V.Width, step = a.InnerVectors * vector;
        for (long i = (long)Grid.IdxX * Group.DimX + Group.IdxX; i < a.Outputs; i += threads)
        {
            long outer = i < a.InnerVectors ? 0 : i / a.InnerVectors, at = a.X + (i + outer * (a.Middle - 1) * a.InnerVectors) * vector;
            V sum = V.Splat(0);
            for (long m = 0; m < a.Middle; m++, at += step) sum += V.LoadFrom(at);
            sum *= V.Splat(a.Scale);
            long target = a.Y + i * vector;
            if (a.Accumulate != 0) sum += V.LoadFrom(target);
            sum.StoreTo(target);
        }
    }
}
