using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A lane's part in copying a stage of <see cref="VolumeGradient"/>: four channels of a voxel, of line after line.
/// </summary>
struct LineCopy
{
    /// <summary>Where they are on line 0 of slice 0, and where they go.</summary>
    public long Source;
    public uint Target;

    /// <summary>Channels that there are; 0 or less outside of the volume.</summary>
    public int There;

    /// <summary>Lines of a slice, and slices, that are inside of the volume.</summary>
    public int FirstD, Depth, First, Height;
}

/// <summary>How four neighbouring channels come to shared memory.</summary>
interface IQuadCopy
{
    /// <summary>Starts copying the first of them, as many as there are; the others become zeros.</summary>
    static abstract void Start(SharedBytes shared, uint target, long source, int there);
}

/// <summary>All at once: there are four or none.</summary>
readonly struct PacketCopy : IQuadCopy
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Start(SharedBytes shared, uint target, long source, int there) =>
        Ptx.CopyAsync16(shared, target, source, there > 0 ? 16 : 0);
}

/// <summary>One by one.</summary>
readonly struct ElementCopy : IQuadCopy
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Start(SharedBytes shared, uint target, long source, int there)
    {
        Ptx.CopyAsync4(shared, target, source, there > 0 ? 4 : 0);
        Ptx.CopyAsync4(shared, target + 4, source + 4, there > 1 ? 4 : 0);
        Ptx.CopyAsync4(shared, target + 8, source + 8, there > 2 ? 4 : 0);
        Ptx.CopyAsync4(shared, target + 12, source + 12, there > 3 ? 4 : 0);
    }
}
