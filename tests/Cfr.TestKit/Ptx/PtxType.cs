namespace Cfr.TestKit.Ptx;

/// <summary>Types of PTX by name: what a register's 64 bits are to an instruction.</summary>
static class PtxType
{
    public static int Bytes(string type) => type[1..] switch
    {
        "8" or "red" => 1,
        "16" => 2,
        "32" => 4,
        "64" => 8,
        _ => throw new NotSupportedException($"PTX type {type}"),
    };

    public static bool IsFloat(string type) => type[0] == 'f';

    public static bool IsSigned(string type) => type[0] == 's';

    /// <summary>The lower bits.</summary>
    public static ulong Truncated(string type, ulong value) => Bytes(type) switch
    {
        1 => (byte)value,
        2 => (ushort)value,
        4 => (uint)value,
        _ => value,
    };

    /// <summary>As a whole number; types without a sign have none.</summary>
    public static long Signed(string type, ulong value) => (IsSigned(type), Bytes(type)) switch
    {
        (false, _) => (long)Truncated(type, value),
        (_, 1) => (sbyte)value,
        (_, 2) => (short)value,
        (_, 4) => (int)value,
        _ => (long)value,
    };

    public static float Float(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    public static ulong Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    /// <summary>As a number, of f32 or f64.</summary>
    public static double Number(string type, ulong bits) =>
        type == "f64" ? BitConverter.UInt64BitsToDouble(bits) : Float(bits);

    /// <summary>A number's bits, rounded to f32 or as f64.</summary>
    public static ulong Bits(string type, double value) =>
        type == "f64" ? BitConverter.DoubleToUInt64Bits(value) : Bits((float)value);
}
