namespace Cfr.Kernels;

/// <summary>
/// Element types. Tensors on a device hold <see cref="Float32"/> (values), <see cref="Int32"/> (labels, indices) and,
/// on devices that compute in it, <see cref="BFloat16"/>; the others occur in files and are converted when they are
/// read.
/// </summary>
public enum DType : byte
{
    /// <summary>IEEE 754 binary32.</summary>
    Float32,
    /// <summary>IEEE 754 binary64.</summary>
    Float64,
    /// <summary>IEEE 754 binary16.</summary>
    Float16,
    /// <summary>The upper half of a binary32.</summary>
    BFloat16,
    /// <summary>Signed 64-bit integer.</summary>
    Int64,
    /// <summary>Signed 32-bit integer.</summary>
    Int32,
    /// <summary>Signed 16-bit integer.</summary>
    Int16,
    /// <summary>Signed 8-bit integer.</summary>
    Int8,
    /// <summary>Unsigned 64-bit integer.</summary>
    UInt64,
    /// <summary>Unsigned 32-bit integer.</summary>
    UInt32,
    /// <summary>Unsigned 16-bit integer.</summary>
    UInt16,
    /// <summary>Unsigned 8-bit integer.</summary>
    UInt8,
    /// <summary>One byte, 0 or 1.</summary>
    Bool,
}

/// <summary>Sizes of element types.</summary>
public static class DTypeSize
{
    /// <summary>Bytes of one element.</summary>
    public static int Bytes(this DType type) => type switch
    {
        DType.Float64 or DType.Int64 or DType.UInt64 => 8,
        DType.Float32 or DType.Int32 or DType.UInt32 => 4,
        DType.Float16 or DType.BFloat16 or DType.Int16 or DType.UInt16 => 2,
        _ => 1,
    };
}
