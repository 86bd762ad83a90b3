using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// How packed heads lie in memory (see <see cref="AttentionPack"/>), in global as in shared: a row of 16, 32, ..
/// elements a token, its 16-byte chunks permuted by an exclusive or with the row. Eight rows of a chunk, which
/// <c>ldmatrix</c> reads at once, then lie in different banks whatever the width; and because memory holds the
/// permutation already, a tile is copied as one run of bytes.
/// <code>
///   bytes of a row    multiple of 128: chunk ^ row % 8    of 64: chunk ^ row / 2 % 4    of 32: chunk ^ row / 4 % 2
/// </code>
/// </summary>
static class PackedRows
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Place(int row, int chunk, int rowBytes) =>
        (uint)(row * rowBytes + ((chunk ^ Turn(row, rowBytes)) << 4));

    /// <summary>What is done to the number of a chunk; the same every eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Turn(int row, int rowBytes) =>
        rowBytes % 128 == 0 ? row & 7 : rowBytes % 64 == 0 ? row >> 1 & 3 : row >> 2 & 1;

    /// <summary>
    /// Where chunk <c>c + 2 step</c> of a row lies that has chunk c, 0 or 1, at this place: with a constant step one
    /// exclusive or, before any loop, and an addition.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Further(uint place, int step, int rowBytes)
    {
        // Not written as a choice between 1 and 0: to ILGPU that is a bit, and so would be the 3.
        int turned = rowBytes % 128 == 0 ? 3 : 1 - (rowBytes >> 5 & 1);
        return (place ^ (uint)((step & turned) * 32)) + (uint)((step & ~turned) * 32);
    }
}
