namespace Cfr.Kernels.Tests;

public class LayoutTests
{
    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Boxes_are_copied_and_added_exactly_whatever_their_strides(int form)
    {
        var random = new Random(11);
        for (int trial = 0; trial < 400; trial++)
        {
            var (copy, sourceCount, targetCount, sourceStart) = RandomCopy(random);
            float[] source = Numbers.Draw(sourceCount, trial), target = Numbers.Draw(targetCount, -trial);
            float[] want = [.. target], zeros = new float[targetCount];
            LayoutNaive.Copy<float>(copy, source, want, sourceStart);
            LayoutNaive.Copy<float>(copy, source, zeros, sourceStart);
            using var operands = new Operands(CpuForms.All[form]);
            View from = operands.Of(source).Slice(sourceStart), to = operands.Of(target), sum = operands.Of(target);
            operands.Device.Layout.Copy(copy, from, to);
            operands.Device.Layout.Copy(copy, from, sum, accumulate: true);
            Assert.Equal(want, operands.Floats(to));
            Assert.Equal(target.Zip(zeros, (t, v) => t + v), operands.Floats(sum));
        }
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Large_transpositions_and_long_rows_are_exact(int form)
    {
        (long[] Sizes, long[] Source)[] copies =
        [
            ([301, 203], [1, 301]), ([3, 7001], [1, 3]), ([7001, 3], [1, 7001]),
            ([2, 5, 67, 33], [5 * 67 * 33, 1, 5, 5 * 67]),
            ([1, 100_003], [0, 1]), ([100_003, 1], [1, 0]), ([3, 40_000], [40_000, 1]), ([40_000], [0]),
        ];
        foreach (var (sizes, strides) in copies)
        {
            long[] targetStrides = Contiguous(sizes);
            var copy = StridedCopy.Along(sizes, strides, targetStrides);
            long count = sizes.Aggregate((a, b) => a * b);
            float[] source = Numbers.Draw(count), want = new float[count];
            LayoutNaive.Copy<float>(copy, source, want);
            using var operands = new Operands(CpuForms.All[form]);
            View to = operands.Output(count);
            operands.Device.Layout.Copy(copy, operands.Of(source), to);
            Assert.Equal(want, operands.Floats(to));
        }
    }

    [Fact]
    public void Integers_of_every_bit_pattern_survive()
    {
        int[] source = [-1, int.MinValue, 0x7fa00001, unchecked((int)0xffa00001), 0, 1, 2, 3, 4, 5, 6, -7];
        foreach (long[] strides in (long[][])[[6, 1], [1, 2]])
        {
            var copy = StridedCopy.Along([2, 6], strides, [6, 1]);
            int[] want = new int[source.Length];
            LayoutNaive.Copy<int>(copy, source, want);
            using var operands = new Operands(CpuForms.All[1]);
            View to = operands.OutputOfInts(source.Length);
            operands.Device.Layout.Copy(copy, operands.Of(source), to);
            Assert.Equal(want, operands.Ints(to));
        }
    }

    [Fact]
    public void An_empty_box_touches_nothing()
    {
        using var operands = new Operands(CpuForms.All[1]);
        View to = operands.Of(1, 2);
        operands.Device.Layout.Copy(StridedCopy.Along([2, 0], [1, 1], [1, 1]), operands.Of(3, 4), to);
        Assert.Equal([1, 2], operands.Floats(to));
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Rows_are_gathered_and_scattered_in_order(int form)
    {
        foreach (var (rows, width, tableRows) in ((int, int, int)[])[(0, 3, 4), (1, 1, 1), (500, 1, 7), (300, 5, 9),
            (200, 130, 11)])
        {
            var random = new Random(3);
            int[] index = [.. Enumerable.Range(0, rows).Select(_ => random.Next(tableRows))];
            float[] table = Numbers.Draw(tableRows * width), dy = Numbers.Draw(rows * width, seed: 2);
            float[] want = new float[rows * width], wantTable = new float[tableRows * width];
            LayoutNaive.Gather<float>(rows, width, table, index, want);
            LayoutNaive.ScatterAdd<float>(rows, width, dy, index, wantTable);
            using var operands = new Operands(CpuForms.All[form]);
            View y = operands.Output(rows * width), dTable = operands.Output(tableRows * width);
            operands.Device.Layout.Gather(rows, width, operands.Of(table), operands.Of(index), y);
            operands.Device.Layout.ScatterAdd(rows, width, tableRows, operands.Of(dy), operands.Of(index), dTable);
            Assert.Equal(want, operands.Floats(y));
            Assert.Equal(wantTable, operands.Floats(dTable));
        }
    }

    /// <summary>A box with permuted, repeated and mirrored axes and gaps on both sides.</summary>
    internal static (StridedCopy Copy, int SourceCount, int TargetCount, int SourceStart) RandomCopy(Random random)
    {
        int rank = random.Next(0, 6);
        long[] sizes = [.. Enumerable.Range(0, rank).Select(_ => (long)random.Next(1, 8))];
        if (rank > 0 && random.Next(3) == 0) sizes[random.Next(rank)] = random.Next(9, 70);
        var (source, sourceCount) = RandomStrides(random, sizes);
        var (target, targetCount) = RandomStrides(random, sizes);
        long start = 0;
        for (int axis = 0; axis < rank; axis++)
        {
            int kind = random.Next(5);
            if (kind == 0) source[axis] = 0;
            if (kind != 1) continue;
            start += (sizes[axis] - 1) * source[axis];
            source[axis] = -source[axis];
        }
        return (StridedCopy.Along(sizes, source, target), (int)sourceCount, (int)targetCount, (int)start);
    }

    static (long[] Strides, long Count) RandomStrides(Random random, long[] sizes)
    {
        int[] order = [.. Enumerable.Range(0, sizes.Length)];
        if (random.Next(2) == 0) random.Shuffle(order);
        long[] strides = new long[sizes.Length];
        long count = 1;
        foreach (int axis in order.Reverse())
        {
            strides[axis] = count;
            count *= sizes[axis] + (random.Next(3) == 0 ? 1 : 0);
        }
        return (strides, count);
    }

    internal static long[] Contiguous(long[] sizes)
    {
        long[] strides = new long[sizes.Length];
        long stride = 1;
        for (int axis = sizes.Length - 1; axis >= 0; axis--) (strides[axis], stride) = (stride, stride * sizes[axis]);
        return strides;
    }
}
