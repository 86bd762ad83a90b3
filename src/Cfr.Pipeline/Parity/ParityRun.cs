using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>One pass over a reference file: the session to compute in, and the comparisons made so far.</summary>
sealed class ParityRun(ReferenceFile file, Session session, bool outputsOnly)
{
    readonly List<ParityCheck> _checks = [];

    public ReferenceFile File => file;

    public Session Session => session;

    /// <summary>False if gradients are not wanted.</summary>
    public bool WithGradients => !outputsOnly;

    public IReadOnlyList<ParityCheck> Checks => _checks;

    /// <summary>Compares a result with the tensor of that name, if the file has it.</summary>
    public void Output(string name, Tensor got, double tolerance, ReferenceLayout layout = ReferenceLayout.Same) =>
        Output(name, ReferenceFile.There(got, layout).ToArray(), tolerance);

    /// <inheritdoc cref="Output(string, Tensor, double, ReferenceLayout)"/>
    public void Output(string name, ReadOnlySpan<float> got, double tolerance)
    {
        if (file.Has(name)) Compare(name, ParityPart.Output, Doubles(got), file.Values(name), tolerance);
    }

    /// <summary>Compares numbers with numbers.</summary>
    public void Output(string name, ReadOnlySpan<double> got, ReadOnlySpan<double> want, double tolerance) =>
        Compare(name, ParityPart.Output, got, want, tolerance);

    /// <summary>Compares a gradient with the tensor of that name, if the file has it.</summary>
    public void Gradient(string name, Tensor? got, double tolerance, ReferenceLayout layout = ReferenceLayout.Same)
    {
        if (!file.Has(name)) return;
        if (got is null) throw file.Bad($"has a gradient '{name}' of something that gets none here");
        Gradient(name, ReferenceFile.There(got, layout).ToArray(), file.Values(name), tolerance);
    }

    /// <summary>Compares numbers of a gradient.</summary>
    public void Gradient(string name, ReadOnlySpan<float> got, ReadOnlySpan<double> want, double tolerance) =>
        Compare(name, ParityPart.Gradient, Doubles(got), want, tolerance);

    /// <summary>Adds an error that was measured in another way.</summary>
    public void Add(string name, ParityPart part, double error, double tolerance, bool isAbsolute = false) =>
        _checks.Add(new(name, part, double.IsNaN(error) ? double.PositiveInfinity : error, tolerance, isAbsolute));

    void Compare(
        string name, ParityPart part, ReadOnlySpan<double> got, ReadOnlySpan<double> want, double tolerance)
    {
        if (got.Length != want.Length)
            throw file.Bad($"'{name}' has {want.Length} elements; {got.Length} were computed");
        double difference = 0, size = 0;
        for (int i = 0; i < got.Length; i++)
        {
            size = Math.Max(size, Math.Abs(want[i]));
            double error = got[i] == want[i] ? 0 : Math.Abs(got[i] - want[i]);
            difference = double.IsNaN(error) ? double.PositiveInfinity : Math.Max(difference, error);
        }
        Add(name, part, difference == 0 ? 0 : difference / size, tolerance);
    }

    static double[] Doubles(ReadOnlySpan<float> values)
    {
        double[] doubles = new double[values.Length];
        for (int i = 0; i < doubles.Length; i++) doubles[i] = values[i];
        return doubles;
    }
}
