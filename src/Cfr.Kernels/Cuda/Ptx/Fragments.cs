namespace Cfr.Kernels.Cuda;

/// <summary>
/// Who holds what of the operands of <c>mma.sync</c> (PTX ISA, "Matrix fragments for mma.m16n8k16 / m16n8k8"). With g =
/// lane / 4 and t = lane % 4, counting k in words of 32 bits (two bfloat16, the smaller k below; or one TF32):
/// <code>
///   A 16 x 8 words, register   0 (X): row g, word t       1 (Y): row g + 8, word t
///                              2 (Z): row g, word t + 4   3 (W): row g + 8, word t + 4
///   B 8 words x 8, register    0: word t, column g        1: word t + 4, column g
///   C 16 x 8, register         0, 1: row g, columns 2t, 2t + 1       2, 3: row g + 8
/// </code>
/// </summary>
static class Fragments
{
    /// <summary>What register 0..3 of A holds.</summary>
    public static (int Row, int Word) A(int lane, int register) =>
        (lane / 4 + register % 2 * 8, lane % 4 + register / 2 * 4);

    /// <summary>What register 0..1 of B holds.</summary>
    public static (int Word, int Column) B(int lane, int register) => (lane % 4 + register * 4, lane / 4);

    /// <summary>What register 0..3 of the sums holds.</summary>
    public static (int Row, int Column) C(int lane, int register) =>
        (lane / 4 + register / 2 * 8, lane % 4 * 2 + register % 2);
}
