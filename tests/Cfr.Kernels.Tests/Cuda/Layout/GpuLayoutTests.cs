using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

/// <summary>What the cases of the ops do not reach: many tiles and pieces, packets, gaps, halved boxes, faults.</summary>
public sealed class GpuLayoutTests : IDisposable
{
    readonly EmulatedDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void Boxes_are_copied_and_added_exactly_whatever_their_strides(int seed)
    {
        var random = new Random(seed);
        for (int trial = 0; trial < 20; trial++)
        {
            var (copy, sourceCount, targetCount, start) = LayoutTests.RandomCopy(random);
            Check(_device.Layout, copy, sourceCount, targetCount, start);
        }
    }

    [Fact]
    public void Boxes_too_large_for_their_indices_are_halved()
    {
        var layout = new GpuLayout(_device) { MostElements = 60 };
        var random = new Random(4);
        for (int trial = 0; trial < 6; trial++)
        {
            var (copy, sourceCount, targetCount, start) = LayoutTests.RandomCopy(random);
            if (copy.Count < 600) Check(layout, copy, sourceCount, targetCount, start);
        }
        Check(layout, StridedCopy.Along([3, 5, 8], [80, 1, 5], [1, 24, 3]), 240, 120, 0);
    }

    [Theory]
    [InlineData(1, 33, 70)]     // tiles cut on both sides
    [InlineData(2, 64, 32)]
    [InlineData(3, 9, 8)]
    [InlineData(2, 7, 100)]     // too short for tiles
    public void Planes_are_transposed_exactly(int planes, int rows, int columns)
    {
        long plane = (long)rows * columns;
        Check(
            _device.Layout, StridedCopy.Along([planes, rows, columns], [plane, 1, rows], [plane, columns, 1]),
            planes * rows * columns, planes * rows * columns, 0);
    }

    [Theory]
    [InlineData(1, 300, 300)]   // several pieces of 128 floats
    [InlineData(1, 1200, 1200)] // several pieces of 128 packets
    [InlineData(5, 12, 16)]     // rows of packets, gaps behind them
    [InlineData(5, 12, 17)]     // gaps that leave the packets
    [InlineData(70, 3, 4)]
    public void Rows_are_copied_exactly(int rows, int columns, int pitch) => Check(
        _device.Layout, StridedCopy.Along([rows, columns], [pitch, 1], [pitch, 1]), rows * pitch, rows * pitch, 0);

    [Fact]
    public void Eight_axes_are_enough_for_everyone()
    {
        long[] sizes = [2, 1, 3, 2, 2, 3, 2, 2], source = LayoutTests.Contiguous(sizes);
        Array.Reverse(source);
        var copy = StridedCopy.Along(
            sizes, [.. sizes.Select((_, axis) => (long)Math.Pow(3, axis))], LayoutTests.Contiguous(sizes));
        Check(_device.Layout, copy, 6561, 288, 0);
    }

    [Theory, InlineData(5, 3, 4), InlineData(70, 1, 9), InlineData(3, 300, 5), InlineData(40, 132, 3)]
    public void Rows_are_gathered_and_scattered_in_order(int rows, int width, int tableRows)
    {
        var random = new Random(3);
        int[] index = [.. Enumerable.Range(0, rows).Select(_ => random.Next(tableRows))];
        float[] table = Numbers.Draw(tableRows * width), dy = Numbers.Draw(rows * width, seed: 2);
        float[] want = new float[rows * width], wantTable = new float[tableRows * width];
        LayoutNaive.Gather<float>(rows, width, table, index, want);
        LayoutNaive.ScatterAdd<float>(rows, width, dy, index, wantTable);
        using var operands = new Operands(_device);
        View y = operands.Output(rows * width), dTable = operands.Output(tableRows * width);
        _device.Layout.Gather(rows, width, operands.Of(table), operands.Of(index), y);
        _device.Layout.ScatterAdd(rows, width, tableRows, operands.Of(dy), operands.Of(index), dTable);
        Assert.Equal(want, operands.Floats(y));
        Assert.Equal(wantTable, operands.Floats(dTable));
    }

    [Theory, InlineData(4, 3), InlineData(-1, 8)]
    public void An_index_outside_the_table_is_named_at_the_next_wait_and_the_device_goes_on(int index, int width)
    {
        using var operands = new Operands(_device);
        View table = operands.Of(Numbers.Draw(4 * width)), y = operands.Output(2 * width);
        _device.Layout.Gather(2, width, table, operands.Of([1, index]), y);
        var error = Assert.Throws<ArgumentOutOfRangeException>(_device.Synchronize);
        Assert.Equal($"index {index} lies outside a table of 4 rows, on emulated", error.Message);
        _device.Synchronize();
        Assert.Equal([.. operands.Floats(table)[width..(2 * width)], .. new float[width]], operands.Floats(y));
    }

    void Check(ILayout layout, StridedCopy copy, int sourceCount, int targetCount, int start)
    {
        float[] source = Numbers.Draw(sourceCount, 1), target = Numbers.Draw(targetCount, 2);
        float[] want = [.. target], zeros = new float[targetCount];
        LayoutNaive.Copy<float>(copy, source, want, start);
        LayoutNaive.Copy<float>(copy, source, zeros, start);
        using var operands = new Operands(_device);
        View from = operands.Of(source).Slice(start), to = operands.Of(target), sum = operands.Of(target);
        layout.Copy(copy, from, to);
        layout.Copy(copy, from, sum, accumulate: true);
        Assert.Equal(want, operands.Floats(to));
        Assert.Equal(target.Zip(zeros, (t, v) => t + v), operands.Floats(sum));
    }
}
