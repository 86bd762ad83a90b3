using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// Gradients of layer norm. With n = (x - mean) r and g = dy w: dx = r (g - mean(g) - n mean(g n)); a block of rows
/// adds its dy n and dy to one partial row each, [2, width], which are summed over blocks afterwards in double. 12
/// bytes and about 16 FLOP an element.
/// </summary>
static unsafe class LayerNormBackward<V> where V : struct, IVector<V>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void InputGradient(
        float* x, int width, float mean, float inverseDeviation, float* weight, float* dy, float* dx, bool accumulate)
    {
        V center = V.Splat(mean), inverse = V.Splat(inverseDeviation);
        V sumG0 = V.Splat(0), sumG1 = sumG0, sumGN0 = sumG0, sumGN1 = sumG0;
        int i = 0;
        for (; i <= width - 2 * V.Width; i += 2 * V.Width)
        {
            V g0 = V.Load(dy + i) * V.Load(weight + i);
            V g1 = V.Load(dy + i + V.Width) * V.Load(weight + i + V.Width);
            sumG0 += g0;
            sumG1 += g1;
            sumGN0 = V.MultiplyAdd(g0, (V.Load(x + i) - center) * inverse, sumGN0);
            sumGN1 = V.MultiplyAdd(g1, (V.Load(x + i + V.Width) - center) * inverse, sumGN1);
        }
        float sumG = V.Sum(sumG0 + sumG1), sumGN = V.Sum(sumGN0 + sumGN1);
        for (; i < width; i++)
        {
            float g = dy[i] * weight[i];
            sumG += g;
            sumGN += g * (x[i] - mean) * inverseDeviation;
        }

        float meanG = sumG / width, meanGN = sumGN / width;
        V shift = V.Splat(meanG), slope = V.Splat(-meanGN);
        i = 0;
        for (; i <= width - V.Width; i += V.Width)
        {
            V n = (V.Load(x + i) - center) * inverse;
            V g = V.Load(dy + i) * V.Load(weight + i) - shift;
            V gradient = V.MultiplyAdd(n, slope, g) * inverse;
            if (accumulate) gradient += V.Load(dx + i);
            gradient.Store(dx + i);
        }
        for (; i < width; i++)
        {
            float n = (x[i] - mean) * inverseDeviation;
            float gradient = (dy[i] * weight[i] - meanG - n * meanGN) * inverseDeviation;
            dx[i] = accumulate ? dx[i] + gradient : gradient;
        }
    }

    /// <summary>Adds dy n and dy of one row to the partial sums of its block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddParameterGradients(
        float* x, int width, float mean, float inverseDeviation, float* dy, float* dWeight, float* dBias)
    {
        V center = V.Splat(mean), inverse = V.Splat(inverseDeviation);
        int i = 0;
        for (; i <= width - V.Width; i += V.Width)
        {
            V gradient = V.Load(dy + i);
            V.MultiplyAdd(gradient, (V.Load(x + i) - center) * inverse, V.Load(dWeight + i)).Store(dWeight + i);
            (gradient + V.Load(dBias + i)).Store(dBias + i);
        }
        for (; i < width; i++)
        {
            dWeight[i] += dy[i] * ((x[i] - mean) * inverseDeviation);
            dBias[i] += dy[i];
        }
    }
}
