using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>Fills a new parameter, drawing from a stream of its own.</summary>
public delegate void Initializer(Tensor tensor, RandomStream random);

/// <summary>The usual initial values.</summary>
public static class Initialize
{
    /// <summary>One value everywhere.</summary>
    public static Initializer Constant(float value) =>
        (tensor, _) => tensor.Session.Device.ElementWise.Fill(tensor.View, value);

    /// <summary>Uniform in [-bound, bound).</summary>
    public static Initializer Uniform(float bound) =>
        (tensor, random) => tensor.Session.Device.Random.Uniform(random.Next(), tensor.View, -bound, bound);

    /// <summary>
    /// PyTorch's default for linear layers and convolutions, weights and biases: uniform within 1 / sqrt(fan_in). For a
    /// transposed convolution PyTorch takes Cout k^d as fan_in.
    /// </summary>
    public static Initializer FanIn(long fanIn) => Uniform(1 / MathF.Sqrt(fanIn));

    /// <summary>Normal.</summary>
    public static Initializer Normal(float deviation, float mean = 0) =>
        (tensor, random) => tensor.Session.Device.Random.Normal(random.Next(), tensor.View, mean, deviation);

    /// <summary>Kaiming (He 2015) normal for ReLU: deviation sqrt(2 / fan_in).</summary>
    public static Initializer KaimingNormal(long fanIn) => Normal(MathF.Sqrt(2f / fanIn));

    /// <summary>Kaiming (He 2015) uniform for ReLU: within sqrt(6 / fan_in).</summary>
    public static Initializer KaimingUniform(long fanIn) => Uniform(MathF.Sqrt(6f / fanIn));

    /// <summary>Xavier (Glorot 2010) normal: deviation sqrt(2 / (fan_in + fan_out)).</summary>
    public static Initializer XavierNormal(long fanIn, long fanOut) => Normal(MathF.Sqrt(2f / (fanIn + fanOut)));

    /// <summary>Normal with mean 0, values beyond <paramref name="cut"/> deviations drawn again.</summary>
    public static Initializer TruncatedNormal(float deviation, float cut = 2) => (tensor, random) =>
    {
        float[] values = Draw();
        int[] rejected = Outside(Enumerable.Range(0, values.Length), values);
        while (rejected.Length > 0)
        {
            float[] again = Draw();
            foreach (int i in rejected) values[i] = again[i];
            rejected = Outside(rejected, values);
        }
        tensor.Set(values);

        float[] Draw()
        {
            Normal(deviation)(tensor, random);
            return tensor.ToArray();
        }

        int[] Outside(IEnumerable<int> indices, float[] drawn) =>
            [.. indices.Where(i => MathF.Abs(drawn[i]) > cut * deviation)];
    };
}
