using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// One row of outputs, a vector of channels at a time. What is kept beside the largest value is the number of its tap
/// within the kernel, small enough to be exact as a float; its voxel follows from that.
/// </summary>
static unsafe class MaxPoolForward<V> where V : struct, IVector<V>
{
    /// <summary>From a window's first voxel to that of each tap.</summary>
    public static void FillOffsets(PoolingShape shape, int* offsets)
    {
        for (int kd = 0; kd < shape.Kernel.D; kd++)
            for (int kh = 0; kh < shape.Kernel.H; kh++)
                for (int kw = 0; kw < shape.Kernel.W; kw++)
                    *offsets++ = (kd * shape.Input.H + kh) * shape.Input.W + kw;
    }

    /// <summary>Row (batch, od, oh), counted through.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Row(PoolingShape shape, int* offsets, long row, float* x, float* y, int* argMax)
    {
        int oh = (int)(row % shape.Output.H), od = (int)(row / shape.Output.H % shape.Output.D);
        float* volume = x + row / shape.Output.H / shape.Output.D * shape.Input.Voxels * shape.Channels;
        int d = od * shape.Stride.D - shape.Padding.D, h = oh * shape.Stride.H - shape.Padding.H;
        for (int ow = 0; ow < shape.Output.W; ow++, y += shape.Channels, argMax += shape.Channels)
        {
            int w = ow * shape.Stride.W - shape.Padding.W, c = 0;
            for (; c <= shape.Channels - V.Width; c += V.Width)
                Window<V>(shape, offsets, d, h, w, volume, c, y, argMax);
            for (; c < shape.Channels; c++) Window<Lanes1>(shape, offsets, d, h, w, volume, c, y, argMax);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Window<T>(
        in PoolingShape shape, int* offsets, int d, int h, int w, float* volume, int c, float* y, int* argMax)
        where T : struct, IVector<T>
    {
        Extent input = shape.Input, kernel = shape.Kernel;
        int kd0 = Math.Max(0, -d), kd1 = Math.Min(kernel.D, input.D - d);
        int kh0 = Math.Max(0, -h), kh1 = Math.Min(kernel.H, input.H - h);
        int kw0 = Math.Max(0, -w), kw1 = Math.Min(kernel.W, input.W - w);
        T best = T.Splat(float.NegativeInfinity), bestTap = T.Splat((kd0 * kernel.H + kh0) * kernel.W + kw0);
        for (int kd = kd0; kd < kd1; kd++)
            for (int kh = kh0; kh < kh1; kh++)
            {
                int tap = (kd * kernel.H + kh) * kernel.W;
                float* source = volume + (((long)(d + kd) * input.H + h + kh) * input.W + w) * shape.Channels + c;
                for (int kw = kw0; kw < kw1; kw++)
                {
                    T value = T.Load(source + (long)kw * shape.Channels);
                    // A number wins by being larger, a NaN against any number.
                    T wins = T.Select(T.Equal(value, value), T.Greater(value, best), T.Equal(best, best));
                    best = T.Select(wins, value, best);
                    bestTap = T.Select(wins, T.Splat(tap + kw), bestTap);
                }
            }
        best.Store(y + c);

        bestTap.Store((float*)(argMax + c));
        int first = (d * input.H + h) * input.W + w;
        for (int lane = c; lane < c + T.Width; lane++) argMax[lane] = first + offsets[(int)((float*)argMax)[lane]];
    }
}
