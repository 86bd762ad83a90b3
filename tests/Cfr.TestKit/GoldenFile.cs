using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.TestKit;

/// <summary>How a golden tensor, which lies as PyTorch has it, is to lie here.</summary>
public enum GoldenLayout
{
    /// <summary>As it is.</summary>
    Same,
    /// <summary>[N, C, spatial..] to [N, spatial.., C].</summary>
    ChannelsLast,
    /// <summary>[O, I, k..] to [k.., I, O].</summary>
    Kernel,
}

/// <summary>A file of reference tensors made with PyTorch.</summary>
public sealed class GoldenFile(string name) : IDisposable
{
    readonly WeightFile _file = WeightFile.Open(Golden.Path(name));

    /// <summary>What the file says about itself.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    /// <summary>Names of its tensors.</summary>
    public IEnumerable<string> Names => _file.Tensors.Keys;

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>True if there is such a tensor.</summary>
    public bool Has(string tensor) => _file.Tensors.ContainsKey(tensor);

    /// <summary>Its shape here.</summary>
    public Shape Shape(string tensor, GoldenLayout layout = GoldenLayout.Same)
    {
        int[] sizes = [.. _file[tensor].Shape.ToArray().Select(size => (int)size)];
        return layout switch
        {
            GoldenLayout.ChannelsLast => [sizes[0], .. sizes[2..], sizes[1]],
            GoldenLayout.Kernel => [.. sizes[2..], sizes[1], sizes[0]],
            _ => [.. sizes],
        };
    }

    /// <summary>Its numbers, as they are to lie here.</summary>
    public double[] Values(string tensor, GoldenLayout layout = GoldenLayout.Same)
    {
        double[] values = new double[_file[tensor].Count];
        _file[tensor].CopyTo(values.AsSpan());
        if (layout == GoldenLayout.Same) return values;
        int[] sizes = [.. _file[tensor].Shape.ToArray().Select(size => (int)size)];
        int outer = sizes[0], channels = sizes[1], inner = values.Length / Math.Max(1, outer * channels);
        double[] moved = new double[values.Length];
        for (int o = 0; o < outer; o++)
            for (int c = 0; c < channels; c++)
                for (int i = 0; i < inner; i++)
                {
                    int target = layout == GoldenLayout.ChannelsLast
                        ? (o * inner + i) * channels + c
                        : (i * channels + c) * outer + o;
                    moved[target] = values[(o * channels + c) * inner + i];
                }
        return moved;
    }

    /// <summary>A tensor of its numbers.</summary>
    public Tensor Tensor(Session session, string tensor, GoldenLayout layout = GoldenLayout.Same) =>
        session.Tensor([.. Values(tensor, layout).Select(value => (float)value)], Shape(tensor, layout));

    /// <summary>A tensor of its labels.</summary>
    public Tensor Labels(Session session, string tensor) =>
        session.Labels([.. Values(tensor).Select(value => (int)value)], Shape(tensor));

    /// <summary>
    /// Fails unless ||got - want|| is at most tolerance ||want||, or every element is within <paramref
    /// name="absolute"/>.
    /// </summary>
    public void AssertEqual(
        string tensor, Tensor? got, double tolerance, GoldenLayout layout = GoldenLayout.Same, double absolute = 0)
    {
        if (got is null) throw new CheckException($"{name}: nothing was computed for {tensor}");
        double[] want = Values(tensor, layout);
        float[] values = got.ToArray();
        if (values.Length != want.Length)
            throw new CheckException($"{name}: {tensor} has {want.Length} elements, got shape {got.Shape}");
        double error = Norm(values.Zip(want, (a, b) => a - b)), size = Norm(want);
        double largest = values.Zip(want, (a, b) => Math.Abs(a - b)).Append(0).Max();
        if (!(error <= tolerance * size) && !(largest <= absolute))
            throw new CheckException($"{name}: {tensor} is off by {error / size:E1} of its norm (largest difference {largest:E1}), allowed {tolerance:E1}");
    }

    /// <summary>
    /// Fails unless every number is within <paramref name="tolerance"/> times the largest number of the reference, or
    /// within <paramref name="absolute"/>.
    /// </summary>
    /// <param name="tensor">The reference.</param>
    /// <param name="got">What was computed, in the order of the file.</param>
    /// <param name="tolerance">Relative to the largest magnitude of the reference.</param>
    /// <param name="absolute">Allowed besides.</param>
    /// <param name="at">Which of the computed numbers the reference holds; default all of them.</param>
    public void AssertClose(
        string tensor, ReadOnlySpan<float> got, double tolerance, double absolute = 0, string? at = null)
    {
        double[] want = Values(tensor);
        int[]? indices = at is null ? null : [.. Values(at).Select(index => (int)index)];
        if ((indices?.Length ?? got.Length) != want.Length)
            throw new CheckException($"{name}: {tensor} has {want.Length} elements, got {indices?.Length ?? got.Length}");
        double largest = want.Append(0).Max(Math.Abs), allowed = Math.Max(tolerance * largest, absolute);
        (double error, int worst) = (0, 0);
        for (int i = 0; i < want.Length; i++)
        {
            double difference = Math.Abs(got[indices?[i] ?? i] - want[i]);
            if (!(difference <= error)) (error, worst) = (difference, i);
        }
        if (!(error <= allowed))
            throw new CheckException(
                $"{name}: {tensor} is {got[indices?[worst] ?? worst]:G9} at {indices?[worst] ?? worst}, expected "
                + $"{want[worst]:G9}: off by {error:E1}, allowed {allowed:E1} (largest {largest:E1})");
    }

    static double Norm(IEnumerable<double> values) => Math.Sqrt(values.Sum(value => value * value));
}
