using Cfr.Kernels;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Where a patch is cut out of a volume, by the rule of the published semi-supervised code: if any axis has
/// size &lt;= patch, every axis is padded with zeros on both sides by max(floor((patch - size) / 2) + 3, 0) (also an
/// axis that was large enough, while that is positive). <paramref name="OffsetX"/>, Y and Z count from the corner of the
/// padded volume.
/// </summary>
public readonly record struct Crop(GridSize Patch, GridSize Padding, int OffsetX, int OffsetY, int OffsetZ)
{
    /// <summary>Voxels added on each side of each axis.</summary>
    public static GridSize PaddingOf(GridSize size, GridSize patch)
    {
        if (size.X > patch.X && size.Y > patch.Y && size.Z > patch.Z) return default;
        return new(Side(size.X, patch.X), Side(size.Y, patch.Y), Side(size.Z, patch.Z));

        // A shift divides and rounds down, for negative numbers too.
        static int Side(int size, int patch) => Math.Max(((patch - size) >> 1) + 3, 0);
    }

    /// <summary>
    /// Offsets uniform in [0, S - patch), S the padded size: the upper bound is excluded, so the last position never
    /// occurs, as in the published code.
    /// </summary>
    public static Crop Draw(GridSize size, GridSize patch, RandomNumbers random)
    {
        var (padding, room) = Room(size, patch);
        return new(patch, padding, random.Below(room.X), random.Below(room.Y), random.Below(room.Z));
    }

    /// <summary>The patch in the middle: offsets (S - patch) / 2, halves rounded to even.</summary>
    public static Crop Center(GridSize size, GridSize patch)
    {
        var (padding, room) = Room(size, patch);
        return new(patch, padding, Half(room.X), Half(room.Y), Half(room.Z));

        static int Half(int room) => (int)Math.Round(room / 2.0, MidpointRounding.ToEven);
    }

    /// <summary>The padding and S - patch, the number of offsets that can be drawn.</summary>
    internal static (GridSize Padding, GridSize Offsets) Room(GridSize size, GridSize patch)
    {
        if (patch.X < 1 || patch.Y < 1 || patch.Z < 1) throw new ArgumentException($"a patch of {patch} is empty");
        GridSize pad = PaddingOf(size, patch);
        return (pad, new(
            size.X + 2 * pad.X - patch.X, size.Y + 2 * pad.Y - patch.Y, size.Z + 2 * pad.Z - patch.Z));
    }
}
