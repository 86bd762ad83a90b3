namespace Cfr.Kernels.Cuda;

/// <summary>Runs of four floats that one instruction moves.</summary>
static class Packets
{
    const int Floats = 4, Bytes = 16;

    /// <summary>How many whole packets there are, or 0 where an operand does not begin at a multiple of 16 bytes.</summary>
    public static int Of(long count, params ReadOnlySpan<View> operands)
    {
        foreach (View operand in operands)
            if (operand.Address % Bytes != 0) return 0;
        return checked((int)(count / Floats));
    }
}
