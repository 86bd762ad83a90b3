using Cfr.Tensors;

namespace Cfr.TestKit;

/// <summary>How an input's numbers are drawn.</summary>
public enum Fill
{
    /// <summary>Uniform in [-1, 1): any sign.</summary>
    Signed,
    /// <summary>Uniform in [0.5, 1.5): logarithms, divisors, variances.</summary>
    Positive,
    /// <summary>Whole numbers in [0, Limit): labels and indices (int32).</summary>
    Index,
}

/// <summary>An input of a case.</summary>
/// <param name="Name">The op's name for it.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Fill">How it is filled.</param>
/// <param name="Limit">For indices: the first value that does not occur.</param>
/// <param name="Differentiated">Whether its gradient is checked.</param>
public sealed record Input(
    string Name, Shape Shape, Fill Fill = Fill.Signed, int Limit = 0, bool Differentiated = true)
{
    /// <summary>Labels or indices in [0, limit).</summary>
    public static Input Index(string name, Shape shape, int limit) => new(name, shape, Fill.Index, limit, false);
}

/// <summary>
/// One use of one op: the single list of these feeds the tests of correctness, gradients, determinism and all devices,
/// and the benchmark. A new op needs nothing more than its cases.
/// </summary>
/// <param name="Family">Name of the op's family: <c>conv3d</c>.</param>
/// <param name="Name">What is special about this case: <c>3x3x3 stride 2, 3 to 5 channels</c>.</param>
/// <param name="Inputs">The op's inputs, in order.</param>
/// <param name="Run">The op on tensors.</param>
/// <param name="Reference">
/// The naive form on the same inputs in double precision; indices come as whole doubles.
/// </param>
/// <param name="Terms">
/// Length of the longest sum behind an element of the result or of a gradient: sets the tolerance.
/// </param>
public sealed record OpCase(
    string Family, string Name, Input[] Inputs, Func<Tensor[], Tensor> Run, Func<double[][], double[]> Reference,
    double Terms = 1)
{
    /// <summary>A shape that real networks use: only the benchmark runs it, the tests skip it.</summary>
    public bool BenchmarkOnly { get; init; }

    /// <summary>Floating-point operations of the forward pass, for the benchmark.</summary>
    public double Flop { get; init; }

    /// <summary>Factor on the tolerance for functions that lose digits by nature; say why where it is set.</summary>
    public double Slack { get; init; } = 1;

    /// <inheritdoc/>
    public override string ToString() => $"{Family}: {Name}";
}
