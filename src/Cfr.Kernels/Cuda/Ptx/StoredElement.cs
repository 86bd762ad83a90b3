using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>In which type a kernel stores its results.</summary>
interface IStoredElement<V> where V : struct, IDeviceVector<V>
{
    static abstract int Bytes { get; }

    static abstract void Store(V value, long address);
}

/// <summary>float32</summary>
readonly struct StoredFloat32<V> : IStoredElement<V> where V : struct, IDeviceVector<V>
{
    public static int Bytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V value, long address) => value.StoreTo(address);
}

/// <summary>bfloat16</summary>
readonly struct StoredBFloat16<V> : IStoredElement<V> where V : struct, IDeviceVector<V>
{
    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V value, long address) => value.StoreHalves(address);
}
