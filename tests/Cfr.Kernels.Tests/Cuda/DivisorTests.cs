using Cfr.Kernels.Cuda;

namespace Cfr.Kernels.Tests.Cuda;

public class DivisorTests
{
    [Fact]
    public void Division_by_multiplication_is_exact()
    {
        var random = new Random(1);
        int[] divisors =
        [
            .. Enumerable.Range(1, 300), .. Enumerable.Range(0, 31).Select(bit => 1 << bit), int.MaxValue, int.MaxValue - 1,
            641, 65_535, 65_537, 1_000_003, .. Enumerable.Range(0, 500).Select(_ => random.Next(1, int.MaxValue)),
        ];
        foreach (int d in divisors)
        {
            var divisor = new Divisor(d);
            for (int trial = 0; trial < 100; trial++)
            {
                int n = random.Next();
                foreach (int index in (int[])[n, n / d * d, Math.Max(0, n / d * d - 1), trial, int.MaxValue - trial])
                    Assert.Equal(index / d, index / divisor);
            }
        }
    }
}
