using System.Text;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Numbers that any program can make again from a name and a seed, so that weights and inputs of a reference need not be
/// stored. Element i of a name is output i + 1 of splitmix64 started at FNV-1a(name) xor seed 0x9E3779B97F4A7C15; its
/// upper 53 bits are u in [0, 1).
/// </summary>
public static class Generator
{
    const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>Half the width of a uniform distribution of variance 1: sqrt(3), as references have it.</summary>
    public const double UnitVariance = 1.7320508;

    /// <summary>u of the first <paramref name="count"/> elements, in [0, 1).</summary>
    public static double[] Uniform(string name, ulong seed, long count)
    {
        ulong state = 0xcbf29ce484222325;
        foreach (byte letter in Encoding.UTF8.GetBytes(name)) state = (state ^ letter) * 0x100000001b3;
        state ^= seed * Golden;
        double[] values = new double[count];
        for (long i = 0; i < count; i++)
        {
            ulong z = state += Golden;
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
            z = (z ^ z >> 27) * 0x94D049BB133111EB;
            values[i] = ((z ^ z >> 31) >> 11) * (1.0 / (1L << 53));
        }
        return values;
    }

    /// <summary>scale (2 u - 1).</summary>
    public static float[] Signed(string name, ulong seed, long count, double scale = UnitVariance) =>
        [.. Uniform(name, seed, count).Select(u => (float)(scale * (2 * u - 1)))];

    /// <summary>
    /// Fills a network. A bias beside a weight of one axis belongs to a norm; transposed convolutions are those of blocks
    /// named <c>.._up</c>.
    /// </summary>
    public static void Fill(Weights weights, ulong seed)
    {
        var norms = weights.All.Where(weight => weight.Name.EndsWith(".weight", StringComparison.Ordinal))
            .Where(weight => weight.Tensor.Rank == 1).Select(weight => weight.Name[..^".weight".Length]).ToHashSet();
        foreach (Weight weight in weights.All)
        {
            bool ofNorm = norms.Contains(weight.Name[..weight.Name.LastIndexOf('.')]);
            bool transposed = weight.Name.EndsWith("_up.conv.0.weight", StringComparison.Ordinal);
            weight.SetAsInFile(Values(weight.Name, seed, weight.FileShape.AsSpan(), ofNorm, transposed));
        }
    }

    /// <summary>The numbers of a network's weight, as it lies in PyTorch's files.</summary>
    /// <param name="name">Its name in the state dictionary.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="shape">Its shape there; a kernel or matrix has more than one axis.</param>
    /// <param name="ofNorm">Whether it belongs to a norm.</param>
    /// <param name="transposed">Whether it is the kernel of a transposed convolution: its fan is the first axis.</param>
    public static float[] Values(
        string name, ulong seed, ReadOnlySpan<int> shape, bool ofNorm = false, bool transposed = false)
    {
        long count = 1;
        foreach (int size in shape) count *= size;
        if (shape.Length > 1)
            return Signed(name, seed, count, Math.Sqrt(6.0 / (transposed ? shape[0] : count / shape[0])));
        return name[(name.LastIndexOf('.') + 1)..] switch
        {
            "num_batches_tracked" => new float[count],
            "running_mean" => Signed(name, seed, count, 0.1),
            "running_var" => Around1(name, seed, count, 0.5),
            "weight" => Around1(name, seed, count, 0.2),
            _ => Signed(name, seed, count, ofNorm ? 0.2 : 0.1),
        };
    }

    static float[] Around1(string name, ulong seed, long count, double scale) =>
        [.. Uniform(name, seed, count).Select(u => (float)(1 + scale * (2 * u - 1)))];
}
