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
