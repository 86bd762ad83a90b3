namespace Cfr.Kernels.Tests;

public class RandomNumbersTests
{
    static RandomNumbers For(string purpose, ulong stream = 0) => new(RandomKey.For(7, purpose, stream));

    [Fact]
    public void Words_are_those_of_the_stream_in_order()
    {
        var random = new RandomNumbers(new RandomKey(11, 5));
        uint[] words = [.. Enumerable.Range(0, 8).Select(_ => random.Word())];
        var (a, b) = (Philox.Block(0, 5, 11), Philox.Block(1, 5, 11));
        Assert.Equal([a.Item1, a.Item2, a.Item3, a.Item4, b.Item1, b.Item2, b.Item3, b.Item4], words);
    }

    [Fact]
    public void Another_purpose_and_another_stream_give_other_numbers()
    {
        uint[] firsts = [For("a").Word(), For("b").Word(), For("a", 1).Word()];
        Assert.Equal(3, firsts.Distinct().Count());
        Assert.Equal(firsts[0], For("a").Word());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(33)]
    public void Below_takes_every_value_equally_often(int bound)
    {
        const int Draws = 100_000;
        var random = For("below");
        int[] counts = new int[bound];
        for (int i = 0; i < Draws; i++) counts[random.Below(bound)]++;
        double expected = (double)Draws / bound;
        double chiSquare = counts.Sum(count => (count - expected) * (count - expected) / expected);
        // Six deviations above the mean of the distribution with bound - 1 degrees of freedom.
        Assert.True(chiSquare <= bound - 1 + 6 * Math.Sqrt(2 * bound), $"chi square {chiSquare} of {bound} values");
    }

    [Fact]
    public void All_permutations_of_four_are_equally_likely()
    {
        var random = For("permutation");
        var counts = new Dictionary<string, int>();
        for (int i = 0; i < 24_000; i++)
        {
            string order = string.Join(' ', random.Permutation(4));
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }
        Assert.Equal(24, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 1000 - 6 * 32, 1000 + 6 * 32));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_001)]
    public void Normal_numbers_are_those_of_the_device(int count)
    {
        float[] values = new float[count];
        new RandomNumbers(new RandomKey(3, 9)).Normal(values, deviation: 2);
        using var device = Device.Open("cpu");
        using var operands = new Operands(device);
        View normal = operands.Output(count);
        device.Random.Normal(new RandomKey(3, 9), normal, 0, 2);
        float[] expected = operands.Floats(normal);
        double worst = values.Zip(expected, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(worst < 1e-5, $"worst difference {worst}");
    }

    [Fact]
    public void An_empty_range_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => For("empty").Below(0));
}
