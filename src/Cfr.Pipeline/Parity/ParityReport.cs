namespace Cfr.Pipeline.Parity;

/// <summary>What a reference number is of.</summary>
public enum ParityPart
{
    /// <summary>A result of the forward pass, or a state after it.</summary>
    Output,
    /// <summary>A gradient.</summary>
    Gradient,
}

/// <summary>One tensor of a reference file against what was computed here.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Part">What it is.</param>
/// <param name="Error">
/// The largest absolute difference divided by the largest absolute reference value; infinite if a number computed here
/// is none.
/// </param>
/// <param name="Tolerance">The largest error allowed.</param>
/// <param name="IsAbsolute">
/// True where the reference is 0 but for rounding, or counts voxels: the error is then not divided by anything.
/// </param>
public sealed record ParityCheck(string Name, ParityPart Part, double Error, double Tolerance, bool IsAbsolute = false)
{
    /// <summary>True if the error is allowed.</summary>
    public bool Passes => Error <= Tolerance;
}

/// <summary>How well a reference file was met.</summary>
/// <param name="Path">The file.</param>
/// <param name="Kind">What its metadata says it is.</param>
/// <param name="Checks">Every comparison: those that fail first, then by falling error.</param>
/// <param name="Notes">What to know about the comparisons.</param>
/// <param name="Unused">Tensors of the file that nothing was compared with.</param>
public sealed record ParityReport(
    string Path, string Kind, IReadOnlyList<ParityCheck> Checks, IReadOnlyList<string> Notes, IReadOnlyList<string> Unused)
{
    /// <summary>True if every error is allowed.</summary>
    public bool Passes => Checks.All(check => check.Passes);
}
