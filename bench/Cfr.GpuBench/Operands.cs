using Cfr.Kernels;
using Cfr.Kernels.Cuda;

namespace Cfr.GpuBench;

/// <summary>Memory of a benchmark, filled with random numbers, freed at its end.</summary>
sealed class Operands(CudaDevice device) : IDisposable
{
    readonly List<DeviceBuffer> _buffers = [];
    readonly Random _random = new(1);

    /// <summary>Where it lies.</summary>
    public CudaDevice Device => device;

    /// <summary>Uniform in [-1, 1).</summary>
    public View Random(DType type, long count)
    {
        View view = Empty(type, count);
        if (type == DType.Float32)
        {
            device.Random.Uniform(new RandomKey(1, (ulong)_random.NextInt64()), view, -1, 1);
            return view;
        }
        var values = new ushort[count];
        for (long i = 0; i < count; i++)
            values[i] = (ushort)(BitConverter.SingleToUInt32Bits(_random.NextSingle() * 2 - 1) >> 16);
        device.Upload<ushort>(values, view);
        return view;
    }

    /// <summary>Whole numbers in [0, classes).</summary>
    public View Labels(long count, int classes)
    {
        View view = Empty(DType.Int32, count);
        int[] values = new int[count];
        for (long i = 0; i < count; i++) values[i] = _random.Next(classes);
        device.Upload<int>(values, view);
        return view;
    }

    /// <summary>Zeros.</summary>
    public View Zeros(long count)
    {
        View view = Empty(DType.Float32, count);
        device.FillBytes(view.Address, count * sizeof(float), 0);
        return view;
    }

    /// <summary>Arbitrary contents.</summary>
    public View Empty(DType type, long count)
    {
        DeviceBuffer buffer = device.Allocate(type, count);
        _buffers.Add(buffer);
        return new View(buffer.Address, count, type);
    }

    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers) buffer.Release();
        // Networks are simply forgotten: the collector gives their memory back.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        device.Pool.Trim();
    }
}
