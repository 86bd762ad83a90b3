using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="LayerNorm"/>; Vectors is the width in vectors.</summary>
struct LayerNormArguments
{
    public long Rows, X, Weight, Bias, Y, Mean, InverseDeviation, Dy;
    public int Width, Vectors, Lanes;

    /// <summary>1 / Width</summary>
    public float Share;
    public float Eps;

    /// <summary>1 where the backward pass adds to what Y holds.</summary>
    public int Accumulates;
}

/// <summary>
/// Layer norm, a row a team. Forward: the sum, then the deviations from that mean, whose own sum corrects it, then y;
/// the row comes from memory once and then from the cache: 8 bytes and about 8 FLOP an element. Backward for x, with
/// n = (x - mean) r and g = dy w: <c>dx = r (g - mean(g) - n mean(g n))</c>, 12 bytes an element. Bound by memory.
/// </summary>
static unsafe class LayerNorm
{
    public static void Forward<TTeam, V, TStored>(LayerNormArguments a)
        where TTeam : struct, IRowTeam where V : struct, IDeviceVector<V> where TStored : struct, IStoredElement<V>
    {
        ArrayView<float> scratch = BlockReduce.Scratch();
        var walk = new RowWalk<TTeam>(a.Lanes);
        int bytes = 4 * V.Width;
        V zero = V.Splat(0), one = V.Splat(1);
        for (long first = walk.First(); first < a.Rows; first += walk.Step())
        {
            long row = walk.Row(first, a.Rows), start = row * a.Width * 4;
            V sums = zero;
            for (int i = walk.Rank; i < a.Vectors; i += walk.Size) sums += V.LoadFrom(a.X + start + (long)i * bytes);
            float mean = TTeam.Sum(scratch, walk.Size, V.Sum(sums)) * a.Share;

            V center = V.Splat(mean), rest = zero, squares = zero;
            for (int i = walk.Rank; i < a.Vectors; i += walk.Size)
            {
                V d = V.LoadFrom(a.X + start + (long)i * bytes) - center;
                rest += d;
                squares = V.MultiplyAdd(d, d, squares);
            }
            float correction = TTeam.Sum(scratch, walk.Size, V.Sum(rest)) * a.Share;
            float variance = TTeam.Sum(scratch, walk.Size, V.Sum(squares)) * a.Share - correction * correction;
            float inverse = Ptx.Hold(1 / Ptx.Sqrt(Ptx.Max(variance, 0) + a.Eps));
            mean += correction;

            if (!walk.Mine(first, a.Rows)) continue;
            if (walk.Rank == 0)
            {
                ((float*)a.Mean)[row] = mean;
                ((float*)a.InverseDeviation)[row] = inverse;
            }
            center = V.Splat(mean);
            V scale = V.Splat(inverse);
            for (int i = walk.Rank; i < a.Vectors; i += walk.Size)
            {
                long at = (long)i * bytes;
                V weight = a.Weight == 0 ? one : V.LoadFrom(a.Weight + at);
                V bias = a.Bias == 0 ? zero : V.LoadFrom(a.Bias + at);
                V y = V.MultiplyAdd((V.LoadFrom(a.X + start + at) - center) * scale, weight, bias);
                TStored.Store(y, a.Y + (start + at) / sizeof(float) * TStored.Bytes);
            }
        }
    }

    /// <summary>dx alone.</summary>
    public static void Backward<TTeam, V>(LayerNormArguments a)
        where TTeam : struct, IRowTeam where V : struct, IDeviceVector<V>
    {
        ArrayView<float> scratch = BlockReduce.Scratch();
        var walk = new RowWalk<TTeam>(a.Lanes);
        for (long first = walk.First(); first < a.Rows; first += walk.Step())
        {
            long row = walk.Row(first, a.Rows);
            float mean = ((float*)a.Mean)[row], inverse = ((float*)a.InverseDeviation)[row];
            RowGradient<TTeam, V>(a, scratch, walk, row, mean, inverse, out float shift, out float slope);
            if (!walk.Mine(first, a.Rows)) continue;
            for (int i = walk.Rank; i < a.Vectors; i += walk.Size)
            {
                long at = 4L * V.Width * i, element = row * a.Width * 4 + at;
                V normal = (V.LoadFrom(a.X + element) - V.Splat(mean)) * V.Splat(inverse);
                StoreGradient(
                    a, element, InputGradient<V>(a, V.LoadFrom(a.Dy + element), normal, at, inverse, shift, slope));
            }
        }
    }

    /// <summary>mean(g) and mean(g n) of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RowGradient<TTeam, V>(
        LayerNormArguments a, ArrayView<float> scratch, RowWalk<TTeam> walk, long row, float mean, float inverse,
        out float shift, out float slope) where TTeam : struct, IRowTeam where V : struct, IDeviceVector<V>
    {
        V sumG = V.Splat(0), sumGN = sumG;
        for (int i = walk.Rank; i < a.Vectors; i += walk.Size)
        {
            long at = 4L * V.Width * i, element = row * a.Width * 4 + at;
            V g = Weighted<V>(a, V.LoadFrom(a.Dy + element), at);
            sumG += g;
            sumGN = V.MultiplyAdd(g, (V.LoadFrom(a.X + element) - V.Splat(mean)) * V.Splat(inverse), sumGN);
        }
        shift = TTeam.Sum(scratch, walk.Size, V.Sum(sumG)) * a.Share;
        slope = TTeam.Sum(scratch, walk.Size, V.Sum(sumGN)) * a.Share;
    }

    /// <summary>dx of one vector, at so many bytes of its row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V InputGradient<V>(
        LayerNormArguments a, V dy, V normal, long at, float inverse, float shift, float slope)
        where V : struct, IDeviceVector<V> =>
        V.MultiplyAdd(normal, V.Splat(-slope), Weighted<V>(a, dy, at) - V.Splat(shift)) * V.Splat(inverse);

    /// <summary>Stores dx of one vector, or adds it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreGradient<V>(LayerNormArguments a, long element, V dx) where V : struct, IDeviceVector<V>
    {
        if (a.Accumulates != 0) dx += V.LoadFrom(a.Y + element);
        dx.StoreTo(a.Y + element);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Weighted<V>(LayerNormArguments a, V dy, long at) where V : struct, IDeviceVector<V> =>
        a.Weight == 0 ? dy : dy * V.LoadFrom(a.Weight + at);
}
