namespace Cfr.Kernels.Cuda.Compile;

/// <summary>Generation of a GPU: 8.0 (A100), 8.6, 8.9, 9.0 (H100, H200), 10.0 and on.</summary>
public readonly record struct ComputeCapability(int Major, int Minor) : IComparable<ComputeCapability>
{
    /// <summary>The oldest that runs all kernels: bf16 and TF32 tensor cores, asynchronous copies.</summary>
    public static ComputeCapability Oldest => new(8, 0);

    /// <summary>The one whose warp groups multiply; its instructions for that are no later one's.</summary>
    public static ComputeCapability Hopper => new(9, 0);

    /// <summary>90 for 9.0.</summary>
    public int Number => Major * 10 + Minor;

    /// <summary>The first version of PTX with all generations up to this one.</summary>
    public string PtxVersion => Number switch
    {
        <= 90 => "7.8",
        100 or 101 => "8.6",
        120 => "8.7",
        _ => "8.8",
    };

    /// <inheritdoc/>
    public int CompareTo(ComputeCapability other) => Number.CompareTo(other.Number);

    /// <inheritdoc/>
    public override string ToString() => $"{Major}.{Minor}";
}
