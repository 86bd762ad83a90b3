namespace Cfr.Kernels;

/// <summary>
/// What matrix products, convolutions and attention compute in on a GPU. Weights, activations in memory and all sums
/// stay float32 throughout.
/// </summary>
public enum Precision
{
    /// <summary>float32 on the ordinary cores.</summary>
    Float32,
    /// <summary>Factors rounded to 10 bits of mantissa, on tensor cores.</summary>
    TF32,
    /// <summary>Factors rounded to bfloat16, 7 bits of mantissa, on tensor cores.</summary>
    BFloat16,
}

/// <summary>Names of precisions, as people write them.</summary>
public static class PrecisionName
{
    static readonly string[] Names = ["fp32", "tf32", "bf16"];

    /// <summary><c>fp32</c>, <c>tf32</c> or <c>bf16</c>.</summary>
    public static string Name(this Precision precision) => Names[(int)precision];

    /// <summary>The precision of this name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static Precision Parse(string name) => Array.IndexOf(Names, name) is >= 0 and var index
        ? (Precision)index
        : throw new ArgumentException($"there is no precision '{name}'; expected {string.Join(", ", Names)}");
}
