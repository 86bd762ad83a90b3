using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Cfr.Kernels.Cpu;

/// <summary>Gradient of max pooling for a slab of input rows (d, h), counted through within one sample.</summary>
static unsafe class MaxPoolBackward
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Slab(PoolingShape shape, int sample, long first, long last, float* dy, int* argMax, float* dx)
    {
        (Extent n, Extent m) = (shape.Input, shape.Output);
        int channels = shape.Channels;
        long begin = first * n.W, end = last * n.W;
        float* gradient = dx + sample * n.Voxels * channels;
        NativeMemory.Clear(gradient + begin * channels, (nuint)((end - begin) * channels * sizeof(float)));

        int d0 = (int)(first / n.H), d1 = (int)((last - 1) / n.H);
        (int od0, int od1) = Windows(d0, d1, m.D, shape.Kernel.D, shape.Stride.D, shape.Padding.D);
        bool isOnePlane = d0 == d1;
        (int oh0, int oh1) = isOnePlane
            ? Windows((int)(first % n.H), (int)((last - 1) % n.H), m.H, shape.Kernel.H, shape.Stride.H, shape.Padding.H)
            : (0, m.H);
        for (int od = od0; od < od1; od++)
            for (int oh = oh0; oh < oh1; oh++)
            {
                long start = (((long)sample * m.D + od) * m.H + oh) * m.W * channels;
                for (int ow = 0; ow < m.W; ow++, start += channels)
                    for (int c = 0; c < channels; c++)
                    {
                        long at = argMax[start + c];
                        if (at >= begin && at < end) gradient[at * channels + c] += dy[start + c];
                    }
            }
    }

    /// <summary>The windows [begin, end) along an axis that can touch inputs low to high.</summary>
    static (int Begin, int End) Windows(int low, int high, int outputs, int kernel, int stride, int padding)
    {
        int begin = Math.Max(0, low + padding - kernel + 1), end = Math.Min(outputs, (high + padding) / stride + 1);
        return ((begin + stride - 1) / stride, end);
    }
}
