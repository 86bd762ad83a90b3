using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Where 16-byte chunks of a tile lie in shared memory. Its 32 banks are 4 bytes wide, so 8 chunks go at once if they
/// are different modulo 128 bytes. Chunks of a row are permuted by an exclusive or with the row, so that a column of
/// chunks spreads over the banks as a row does:
/// <code>
///   row   rows of 64 bytes: chunks 0..3 at    128 bytes or more: chunks 0..7 at
///    0       0 1 2 3                             0 1 2 3 4 5 6 7
///    1       0 1 2 3                             1 0 3 2 5 4 7 6
///    2       1 0 3 2                             2 3 0 1 6 7 4 5
/// </code>
/// </summary>
static class Swizzle
{
    /// <summary>
    /// Rows of 32 bytes, read 8 rows at a time, from any row on. Four rows fill the banks, so they share a permutation.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Thin(int row, int chunk) => (uint)(row * 32 + ((chunk ^ (row >> 2 & 1)) << 4));

    /// <summary>
    /// Rows of 64 bytes, read 8 rows at a time. Two rows fill the banks, so they share a permutation.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Narrow(int row, int chunk) => (uint)(row * 64 + ((chunk ^ (row >> 1 & 3)) << 4));

    /// <summary>Rows of 128 bytes or a multiple, read 8 rows at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Wide(int row, int chunk, int rowBytes) => (uint)(row * rowBytes + ((chunk ^ row & 7) << 4));

    /// <summary>
    /// Rows of 128 bytes or a multiple, read word by word, 8 words from each of 4 rows: runs of 32 bytes are permuted.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Words(int row, int word, int rowBytes) =>
        (uint)(row * rowBytes + ((word ^ (row & 3) << 3) << 2));

    /// <summary>
    /// Rows of 128 bytes or a multiple, written in pairs of words, 4 of them to each of 4 rows, and read by chunks of
    /// a row: runs of 32 bytes are permuted by 8, or by 4 where a row has no more.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Sums(int row, int word, int rowBytes) =>
        (uint)(row * rowBytes + ((word ^ (row & (rowBytes > 128 ? 7 : 3)) << 3) << 2));
}
