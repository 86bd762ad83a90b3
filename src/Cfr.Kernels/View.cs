namespace Cfr.Kernels;

/// <summary>
/// An operand of a kernel: an address on the device, a number of elements and their type. It owns nothing; whoever
/// launches the kernel keeps the buffer alive. The default value stands for an operand that is absent.
/// </summary>
public readonly record struct View(nint Address, long Count, DType Type)
{
    /// <summary>True for an operand that was not given.</summary>
    public bool IsNone => Address == 0;

    /// <summary>Elements [<paramref name="start"/>, <paramref name="start"/> + <paramref name="count"/>).</summary>
    public View Slice(long start, long count) => new(Address + (nint)(start * Type.Bytes()), count, Type);

    /// <summary>Everything from element <paramref name="start"/> on.</summary>
    public View Slice(long start) => Slice(start, Count - start);

    /// <summary>How many bytes these operands have; an absent one has none.</summary>
    internal static double Bytes(params ReadOnlySpan<View> operands)
    {
        double bytes = 0;
        foreach (View operand in operands) bytes += (double)operand.Count * operand.Type.Bytes();
        return bytes;
    }

    internal unsafe float* Floats => (float*)Address;

    internal unsafe int* Ints => (int*)Address;
}
