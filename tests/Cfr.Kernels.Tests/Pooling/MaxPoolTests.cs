namespace Cfr.Kernels.Tests;

/// <summary>Max pooling against its plain form: every number and every index is the same.</summary>
public class MaxPoolTests
{
    public static TheoryData<int> Forms => CpuForms.Indices;

    [Theory, MemberData(nameof(Forms))]
    public void Random_windows_match(int form)
    {
        var random = new Random(7);
        for (int i = 0; i < 150; i++)
        {
            Extent kernel = RandomExtent(4), stride = RandomExtent(4), size = RandomExtent(14);
            var padding = new Extent(
                random.Next(kernel.D / 2 + 1), random.Next(kernel.H / 2 + 1), random.Next(kernel.W / 2 + 1));
            var input = new Extent(kernel.D + size.D - 1, kernel.H + size.H - 1, kernel.W + size.W - 1);
            var output = new Extent(
                (input.D + 2 * padding.D - kernel.D) / stride.D + 1,
                (input.H + 2 * padding.H - kernel.H) / stride.H + 1,
                (input.W + 2 * padding.W - kernel.W) / stride.W + 1);
            Check(CpuForms.All[form], new PoolingShape(random.Next(3), input, random.Next(1, 35), output, kernel, stride, padding));
        }

        Extent RandomExtent(int most) => new(random.Next(1, most), random.Next(1, most), random.Next(1, most));
    }

    [Fact]
    public void The_first_of_equals_wins_and_NaN_beats_all()
    {
        var shape = new PoolingShape(
            1, new Extent(1, 1, 6), 1, new Extent(1, 1, 2), new Extent(1, 1, 3), new Extent(1, 1, 3), default);
        using var operands = new Operands(CpuForms.All[1]);
        View y = operands.Output(2), argMax = operands.OutputOfInts(2);
        operands.Device.Pooling.MaxForward(shape, operands.Of(1, 1, 0, 5, float.NaN, float.NaN), y, argMax);
        Assert.Equal([1, float.NaN], operands.Floats(y));
        Assert.Equal([0, 4], operands.Ints(argMax));
    }

    internal static void Check(Device device, PoolingShape shape)
    {
        // Few different values, so that equal ones meet in a window.
        float[] x = Whole(Numbers.Draw(shape.Batch * shape.Input.Voxels * shape.Channels, 1, -10, 10));
        float[] dy = Whole(Numbers.Draw(shape.Batch * shape.Output.Voxels * shape.Channels, 2, -100, 100));
        using var operands = new Operands(device);
        View y = operands.Output(dy.Length), argMax = operands.OutputOfInts(dy.Length), dx = operands.Output(x.Length);
        operands.Device.Pooling.MaxForward(shape, operands.Of(x), y, argMax);
        operands.Device.Pooling.MaxBackward(shape, operands.Of(dy), argMax, dx);
        float[] wantY = new float[dy.Length], wantDx = new float[x.Length];
        int[] wantArgMax = new int[dy.Length];
        PoolingNaive.MaxForward<float>(shape, x, wantY, wantArgMax);
        PoolingNaive.MaxBackward<float>(shape, dy, wantArgMax, wantDx);
        Assert.Equal(wantY, operands.Floats(y));
        Assert.Equal(wantArgMax, operands.Ints(argMax));
        Assert.Equal(wantDx, operands.Floats(dx));

        static float[] Whole(float[] values) => Array.ConvertAll(values, MathF.Round);
    }
}
