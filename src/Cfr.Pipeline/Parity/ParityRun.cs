using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>One pass over a reference file: the session to compute in, and the comparisons made so far.</summary>
sealed class ParityRun(ReferenceFile file, Session session, bool outputsOnly)
{
    readonly List<ParityCheck> _checks = [];
    readonly List<string> _notes = [];

    public ReferenceFile File => file;

    public Session Session => session;

    /// <summary>False if gradients are not wanted.</summary>
    public bool WithGradients => !outputsOnly;

    public IReadOnlyList<ParityCheck> Checks => _checks;

    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Compares a result with the tensor of that name, if the file has it.</summary>
    public void Output(string name, Tensor got, double tolerance, ReferenceLayout layout = ReferenceLayout.Same) =>
        Output(name, ReferenceFile.There(got, layout).ToArray(), tolerance);

    /// <inheritdoc cref="Output(string, Tensor, double, ReferenceLayout)"/>
    public void Output(string name, ReadOnlySpan<float> got, double tolerance)
    {
        if (file.Has(name)) Output(name, Doubles(got), file.Values(name), tolerance);
    }

    /// <summary>Compares numbers with numbers.</summary>
    public void Output(string name, ReadOnlySpan<double> got, ReadOnlySpan<double> want, double tolerance) =>
        Add(new(name, ParityPart.Output, Error(name, got, want), tolerance));

    /// <summary>Compares a gradient with the tensor of that name, if the file has it.</summary>
    public void Gradient(string name, Tensor? got, double tolerance, ReferenceLayout layout = ReferenceLayout.Same)
    {
        if (!file.Has(name)) return;
        if (got is null) throw file.Bad($"has a gradient '{name}' of something that gets none here");
        float[] there = ReferenceFile.There(got, layout).ToArray();
        Add(new(name, ParityPart.Gradient, Error(name, there, file.Values(name)), tolerance));
    }

    /// <summary>Adds a comparison that was made elsewhere.</summary>
    public void Add(ParityCheck check) =>
        _checks.Add(check with { Error = double.IsNaN(check.Error) ? double.PositiveInfinity : check.Error });

    /// <summary>Adds something to know about the comparisons.</summary>
    public void Note(string text) => _notes.Add(text);

    /// <summary>The largest difference over the largest reference value; infinite if a number is none.</summary>
    public double Error(string name, ReadOnlySpan<float> got, ReadOnlySpan<double> want) => Error(name, Doubles(got), want);

    double Error(string name, ReadOnlySpan<double> got, ReadOnlySpan<double> want)
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
        return difference == 0 ? 0 : difference / size;
    }

    static double[] Doubles(ReadOnlySpan<float> values)
    {
        double[] doubles = new double[values.Length];
        for (int i = 0; i < doubles.Length; i++) doubles[i] = values[i];
        return doubles;
    }
}
