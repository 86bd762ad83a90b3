namespace Cfr.Kernels.Tests;

/// <summary>Resizing against its plain form in double precision.</summary>
public class ResamplingTests
{
    public static TheoryData<int> Forms => CpuForms.Indices;

    [Theory, MemberData(nameof(Forms))]
    public void Random_sizes_match(int form)
    {
        var random = new Random(6);
        for (int i = 0; i < 150; i++)
        {
            var shape = new ResamplingShape(
                random.Next(3), RandomExtent(), RandomExtent(), random.Next(1, 20),
                (Interpolation)random.Next(2), random.Next(2) == 0);
            Check(CpuForms.All[form], shape);
        }

        Extent RandomExtent() => new(random.Next(1, 7), random.Next(1, 12), random.Next(1, 15));
    }

    [Theory, MemberData(nameof(Forms))]
    public void The_same_size_is_a_copy(int form)
    {
        var shape = new ResamplingShape(2, new Extent(3, 40, 50), new Extent(3, 40, 50), 3, Interpolation.Linear);
        float[] x = Numbers.Draw(36000);
        using var operands = new Operands(CpuForms.All[form]);
        View y = operands.Output(x.Length);
        operands.Device.Resampling.Forward(shape, operands.Of(x), y);
        Assert.Equal(x, operands.Floats(y));
    }

    internal static void Check(Device device, ResamplingShape shape)
    {
        float[] x = Numbers.Draw(shape.Batch * shape.Input.Voxels * shape.Channels, 1);
        float[] dy = Numbers.Draw(shape.Batch * shape.Output.Voxels * shape.Channels, 2);
        using var operands = new Operands(device);
        View y = operands.Output(dy.Length), dx = operands.Output(x.Length);
        operands.Device.Resampling.Forward(shape, operands.Of(x), y);
        operands.Device.Resampling.Backward(shape, operands.Of(dy), dx);
        double[] wantY = new double[dy.Length], wantDx = new double[x.Length];
        ResamplingNaive.Forward<double>(shape, x.Doubles(), wantY);
        ResamplingNaive.Backward<double>(shape, dy.Doubles(), wantDx);
        Numbers.AssertClose(wantY, operands.Floats(y), 1e-6, 1e-6);
        double terms = Math.Max(1, (double)shape.Output.Voxels / shape.Input.Voxels);
        Numbers.AssertClose(wantDx, operands.Floats(dx), 1e-6, 1e-6 * Math.Sqrt(terms));
    }
}
