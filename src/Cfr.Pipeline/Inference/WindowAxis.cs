namespace Cfr.Pipeline.Inference;

/// <summary>
/// Where windows lie along one axis. An axis shorter than the patch counts as padded to it with zeros, half of what is
/// missing (rounded down) in front. There are ceil((size - patch) / stride) + 1 windows, the last pulled back to end at
/// the border.
/// </summary>
sealed class WindowAxis
{
    public WindowAxis(int size, int patch, int stride)
    {
        (Size, Patch) = (size, patch);
        int padding = Math.Max(patch - size, 0), room = size + padding - patch;
        Starts = [.. Enumerable.Range(0, (room + stride - 1) / stride + 1)
            .Select(i => Math.Min(i * stride, room) - padding / 2)];
    }

    public int Size { get; }

    public int Patch { get; }

    /// <summary>First voxel of each window; negative where there is padding in front.</summary>
    public int[] Starts { get; }

    /// <summary>The part of a window that lies in the volume, counted from the window's first voxel.</summary>
    public (int From, int To) Inside(int start) => (Math.Max(0, -start), Math.Min(Patch, Size - start));

    /// <summary>The weights of all windows added up, for each voxel of the axis.</summary>
    public float[] Sum(float[] weights)
    {
        float[] sum = new float[Size];
        foreach (int start in Starts)
        {
            (int from, int to) = Inside(start);
            for (int i = from; i < to; i++) sum[start + i] += weights[i];
        }
        return sum;
    }
}
