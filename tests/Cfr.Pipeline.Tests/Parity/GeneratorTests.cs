using Cfr.Pipeline.Parity;

namespace Cfr.Pipeline.Tests.Parity;

public class GeneratorTests
{
    [Theory]
    [InlineData("a", 0, 0.37173096, 0.99812232, 0.99210651)]
    [InlineData("block_one.conv.0.weight", 7, 0.85910150, 0.16295440, 0.06321062)]
    public void The_first_numbers_are_those_of_the_references(string name, ulong seed, double u0, double u1, double u2)
    {
        double[] u = Generator.Uniform(name, seed, 3);
        Assert.Equal([u0, u1, u2], u.Select(value => Math.Round(value, 8)));
        Assert.Equal((float)(0.5 * (2 * u[1] - 1)), Generator.Signed(name, seed, 3, 0.5)[1]);
    }

    [Theory]
    [InlineData("b.running_mean", 1, false, -0.1, 0.1)]
    [InlineData("b.running_var", 1, false, 0.5, 1.5)]
    [InlineData("b.weight", 1, true, 0.8, 1.2)]
    [InlineData("b.bias", 1, true, -0.2, 0.2)]
    [InlineData("b.bias", 1, false, -0.1, 0.1)]
    [InlineData("b.weight", 3, false, -1, 1)]
    public void The_range_of_a_weight_follows_from_its_name_and_shape(
        string name, int axes, bool ofNorm, double low, double high)
    {
        float[] values = Generator.Values(name, 3, axes == 1 ? [600] : [100, 2, 3], ofNorm);
        Assert.InRange(values.Min(), low, low + 0.02);
        Assert.InRange(values.Max(), high - 0.02, high);
    }

    [Fact]
    public void Transposed_kernels_have_their_first_axis_as_fan() =>
        Assert.InRange(Generator.Values("up.weight", 3, [24, 5, 5], transposed: true).Max(), 0.49, 0.5);
}
