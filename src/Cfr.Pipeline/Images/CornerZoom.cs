namespace Cfr.Pipeline.Images;

/// <summary>
/// Zooming with corners aligned, as SciPy's ndimage.zoom does: output i reads the place i (n - 1) / (m - 1). SAMed's
/// low-resolution labels are made so, not by every fourth row.
/// </summary>
public static class CornerZoom
{
    /// <summary>Labels [H, W] by the nearest pixel: floor(place + 1/2).</summary>
    public static T[] Nearest<T>(ReadOnlySpan<T> values, (int Height, int Width) from, (int Height, int Width) to)
    {
        Check(values.Length, from, to);
        var result = new T[to.Height * to.Width];
        for (int row = 0; row < to.Height; row++)
        {
            int source = (int)(Place(row, from.Height, to.Height) + 0.5) * from.Width;
            for (int column = 0; column < to.Width; column++)
                result[row * to.Width + column] = values[source + (int)(Place(column, from.Width, to.Width) + 0.5)];
        }
        return result;
    }

    /// <summary>Values [H, W] by the cubic spline through them, mirrored at the edges.</summary>
    public static float[] Cubic(ReadOnlySpan<float> values, (int Height, int Width) from, (int Height, int Width) to)
    {
        Check(values.Length, from, to);
        double[] coefficients = new double[values.Length];
        for (int i = 0; i < coefficients.Length; i++) coefficients[i] = values[i];
        for (int row = 0; row < from.Height; row++)
            CubicSpline.Filter(coefficients.AsSpan(row * from.Width), from.Width, stride: 1);
        for (int column = 0; column < from.Width; column++)
            CubicSpline.Filter(coefficients.AsSpan(column), from.Height, stride: from.Width);
        double[] wide = Lines(coefficients, from.Height, from.Width, to.Width, 1);
        double[] result = Lines(wide, 1, from.Height, to.Height, to.Width);
        return Array.ConvertAll(result, value => (float)value);
    }

    /// <summary>[outer, from, inner] -> [outer, to, inner]</summary>
    static double[] Lines(double[] values, int outer, int from, int to, int inner)
    {
        double[] result = new double[outer * to * inner];
        Span<double> weights = stackalloc double[CubicSpline.Taps];
        Span<int> taps = stackalloc int[CubicSpline.Taps];
        for (int i = 0; i < to; i++)
        {
            CubicSpline.At(Place(i, from, to), from, taps, weights);
            for (int o = 0; o < outer; o++)
                for (int k = 0; k < inner; k++)
                {
                    double sum = 0;
                    for (int j = 0; j < taps.Length; j++) sum += weights[j] * values[(o * from + taps[j]) * inner + k];
                    result[(o * to + i) * inner + k] = sum;
                }
        }
        return result;
    }

    static double Place(int i, int from, int to) => to == 1 ? 0 : i * ((double)(from - 1) / (to - 1));

    static void Check(int count, (int Height, int Width) from, (int Height, int Width) to)
    {
        if (count != from.Height * from.Width) throw new ArgumentException($"{count} values for {from.Height} x {from.Width}");
        if (Math.Min(Math.Min(from.Height, from.Width), Math.Min(to.Height, to.Width)) < 1)
            throw new ArgumentException($"cannot zoom {from.Height} x {from.Width} to {to.Height} x {to.Width}");
    }
}
