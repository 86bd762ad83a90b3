namespace Cfr.Kernels.Tests;

/// <summary>
/// Operands of a kernel on a device. Outputs come filled with NaN, and behind each operand stand guards that nobody may
/// touch.
/// </summary>
sealed class Operands(Device device) : IDisposable
{
    const int Guards = 16;
    const float Guard = 12345.75f;

    readonly List<(DeviceBuffer Buffer, long Count)> _buffers = [];

    public Device Device => device;

    public View Of(params ReadOnlySpan<float> values)
    {
        View view = Output(values.Length);
        device.Upload(values, view);
        return view;
    }

    public View Of(int[] values)
    {
        View view = Output(values.Length) with { Type = DType.Int32 };
        device.Upload<int>(values, view);
        return view;
    }

    public View Output(long count)
    {
        DeviceBuffer buffer = device.Allocate(DType.Float32, count + Guards);
        var all = new View(buffer.Address, count + Guards, DType.Float32);
        float[] fill = new float[count + Guards];
        Array.Fill(fill, float.NaN);
        fill.AsSpan((int)count).Fill(Guard);
        device.Upload<float>(fill, all);
        _buffers.Add((buffer, count));
        return all.Slice(0, count);
    }

    public View OutputOfInts(long count) => Output(count) with { Type = DType.Int32 };

    public float[] Floats(View view)
    {
        float[] values = new float[view.Count];
        device.Download<float>(view, values);
        return values;
    }

    public int[] Ints(View view)
    {
        int[] values = new int[view.Count];
        device.Download<int>(view, values);
        return values;
    }

    public void Dispose()
    {
        foreach (var (buffer, count) in _buffers)
        {
            float[] guards = Floats(new View(buffer.Address, count + Guards, DType.Float32).Slice(count));
            Assert.All(guards, value => Assert.Equal(Guard, value));
            buffer.Release();
        }
    }
}
