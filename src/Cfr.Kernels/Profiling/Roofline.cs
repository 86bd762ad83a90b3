using System.Diagnostics;

namespace Cfr.Kernels.Profiling;

/// <summary>
/// What a device reaches in its precision, as measured here: the rate of a large matrix product, and the bandwidth of a copy.
/// Work that does F operations on B bytes takes at least the longer of F / FlopPerSecond and B / BytesPerSecond.
/// </summary>
public sealed record Roofline(double FlopPerSecond, double BytesPerSecond)
{
    const int Repeats = 3;

    /// <summary>The least time for so much work.</summary>
    public double LeastSeconds(double flop, double bytes) => Math.Max(flop / FlopPerSecond, bytes / BytesPerSecond);

    /// <summary>Measures a device in a fraction of a second; the emulator has no roofline.</summary>
    internal static Roofline? Measure(Device device)
    {
        if (device is Cuda.EmulatedDevice) return null;
        bool isGpu = device is Cuda.GpuDevice;
        // Beyond the caches; enough of it for a clock on the host.
        long count = isGpu ? 1L << 26 : 1L << 24;
        int size = isGpu ? 4096 : 1024, launches = isGpu ? 10 : 1;
        try
        {
            return new Roofline(
                2.0 * size * size * size * launches / Product(device, size, launches),
                2.0 * sizeof(float) * count * launches / Copy(device, count, launches));
        }
        finally
        {
            device.Pool.Trim();
            device.Pool.ResetPeak();
        }
    }

    static double Copy(Device device, long count, int launches)
    {
        using var buffers = new Buffers(device);
        View x = buffers.Rent(DType.Float32, count), y = buffers.Rent(DType.Float32, count);
        device.Random.Uniform(new RandomKey(1, 0), x, -1, 1);
        return Best(device, launches, () => device.ElementWise.Affine(x, 1, 0, y));
    }

    /// <summary>The second factor lies transposed, as a linear layer's weights do.</summary>
    static double Product(Device device, int size, int launches)
    {
        DType type = device is Cuda.GpuDevice { Precision: Precision.BFloat16 } ? DType.BFloat16 : DType.Float32;
        using var buffers = new Buffers(device);
        Matrix[] matrices = [.. Enumerable.Range(0, 3).Select(_ => Matrix.Dense(buffers.Rent(type, (long)size * size), size, size))];
        // A GPU multiplies zeros faster than numbers.
        for (int factor = 0; factor < 2; factor++) Fill(device, matrices[factor].Data);
        return Best(device, launches, () => device.Matmul.Multiply(matrices[0], matrices[1].T, matrices[2]));
    }

    static void Fill(Device device, View view)
    {
        if (view.Type == DType.Float32)
        {
            device.Random.Uniform(new RandomKey(1, 0), view, -1, 1);
            return;
        }
        var random = new Random(1);
        var values = new ushort[view.Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = (ushort)(BitConverter.SingleToUInt32Bits(random.NextSingle() * 2 - 1) >> 16);
        device.Upload<ushort>(values, view);
    }

    static double Best(Device device, int launches, Action launch)
    {
        double best = double.PositiveInfinity;
        // The first is not counted: it compiles.
        for (int repeat = 0; repeat <= Repeats; repeat++)
        {
            device.Synchronize();
            var clock = Stopwatch.StartNew();
            for (int i = 0; i < launches; i++) launch();
            device.Synchronize();
            if (repeat > 0) best = Math.Min(best, clock.Elapsed.TotalSeconds);
        }
        return best;
    }

    /// <summary>Memory that goes back even where there was too little of it.</summary>
    sealed class Buffers(Device device) : IDisposable
    {
        readonly List<DeviceBuffer> _rented = [];

        public View Rent(DType type, long count)
        {
            DeviceBuffer buffer = device.Allocate(type, count);
            _rented.Add(buffer);
            return new View(buffer.Address, count, type);
        }

        public void Dispose()
        {
            foreach (DeviceBuffer buffer in _rented) buffer.Release();
        }
    }
}
