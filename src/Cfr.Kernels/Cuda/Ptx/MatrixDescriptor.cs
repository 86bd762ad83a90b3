using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A matrix of 16-bit elements in shared memory as <c>Ptx.AddProduct</c> of a warp group reads it (PTX ISA,
/// "matrix descriptor"): 16 steps of k, and so many lines. A row is a line of steps or, where the matrix lies
/// turned, a step of lines.
/// <code>
///   rows of 64 bytes     atoms are 8 of them, permuted by <see cref="Swizzle.Narrow"/>
///   rows of 128 bytes    atoms are 8 of them, permuted by <see cref="Swizzle.Wide"/>
///   items of 16 bytes    8 steps of a line or, turned, 8 lines of a step; atoms are 8 items, as they lie, from any
///                        item on
/// </code>
/// </summary>
struct MatrixDescriptor
{
    const uint AsItLies = 0, Narrow = 2, Wide = 1;

    public uint Low, High;

    /// <summary>
    /// Lines of 64 bytes of steps, one below the other; it begins at the first line and at the first or second half of
    /// the steps.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MatrixDescriptor OfLines(SharedBytes shared, uint offset) => Of(shared, offset, 16, 512, Narrow);

    /// <summary>
    /// Lines of 128 bytes of steps, one below the other; it begins at the first line and at a multiple of 16 steps.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MatrixDescriptor OfWideLines(SharedBytes shared, uint offset) => Of(shared, offset, 16, 1024, Wide);

    /// <summary>
    /// Steps of 128 bytes of lines, one below the other; the next 64 lines begin <paramref name="further"/> bytes on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MatrixDescriptor OfSteps(SharedBytes shared, uint offset, uint further) =>
        Of(shared, offset, further, 1024, Wide);

    /// <summary>
    /// Items of 8 steps, of 8 lines side by side; or turned, of 8 lines, of 8 steps side by side. The next 8 lines begin
    /// <paramref name="nextLines"/> bytes on, the second half of the steps <paramref name="nextSteps"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MatrixDescriptor OfItems(SharedBytes shared, uint offset, uint nextLines, uint nextSteps) =>
        Of(shared, offset, nextSteps, nextLines, AsItLies);

    /// <summary>The same matrix so many bytes further on, a multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MatrixDescriptor Further(MatrixDescriptor a, uint bytes) =>
        new() { Low = a.Low + bytes / 16, High = a.High };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static MatrixDescriptor Of(SharedBytes shared, uint offset, uint leading, uint stride, uint permutation) => new()
    {
        Low = shared.Base + offset >> 4 | leading >> 4 << 16,
        High = stride >> 4 | permutation << 30,
    };

    /// <summary>Where the emulator finds an element.</summary>
    public readonly uint Place(int line, int step, bool isTurned)
    {
        uint begin = (Low & 0x3fff) << 4, leading = (Low >> 16) << 4, stride = (High & 0x3fff) << 4;
        if (High >> 30 == AsItLies)
        {
            uint item = begin + (uint)(line / 8) * stride + (uint)(step / 8) * leading;
            return item + (uint)(isTurned ? step % 8 * 16 + line % 8 * 2 : line % 8 * 16 + step % 8 * 2);
        }
        int rowBytes = High >> 30 == Narrow ? 64 : 128;
        uint place = isTurned
            ? begin + (uint)(line * 2 / rowBytes) * leading + (uint)(step / 8) * stride
                + (uint)(step % 8 * rowBytes + line * 2 % rowBytes)
            : begin + (uint)(line / 8) * stride + (uint)(line % 8 * rowBytes + step * 2);
        return place ^ (place >> 7 & (uint)(rowBytes / 16 - 1)) << 4;
    }
}
