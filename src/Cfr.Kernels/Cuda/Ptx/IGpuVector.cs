namespace Cfr.Kernels.Cuda;

/// <summary>
/// Floats that a GPU thread moves at once: one (<see cref="Lane"/>) or, where addresses are multiples of 16 bytes, four
/// (<see cref="Lane4"/>).
/// </summary>
interface IGpuVector<V> : IVector<V> where V : struct, IGpuVector<V>
{
    static abstract V From(long address);

    void To(long address);

    /// <summary><see cref="Ptx.ExpOfNonPositive"/> of each float.</summary>
    static abstract V ExpOfNonPositive(V x);
}
