using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Inference;

/// <summary>Cuts windows out of a scan; what lies outside it is 0.</summary>
sealed class WindowInput(Volume scan, WindowAxis x, WindowAxis y, WindowAxis z)
{
    /// <summary>Windows <c>[N, px, py, pz]</c>; the array is made anew if it is too small.</summary>
    public void Cut(ReadOnlySpan<(int X, int Y, int Z)> starts, ref float[] windows)
    {
        int size = x.Patch * y.Patch * z.Patch;
        if (windows.Length < starts.Length * size) windows = new float[starts.Length * size];
        for (int window = 0; window < starts.Length; window++)
            Cut(starts[window], windows.AsSpan(window * size, size));
    }

    void Cut((int X, int Y, int Z) start, Span<float> window)
    {
        (int fromX, int toX) = x.Inside(start.X);
        (int fromY, int toY) = y.Inside(start.Y);
        (int fromZ, int toZ) = z.Inside(start.Z);
        if (toX - fromX < x.Patch || toY - fromY < y.Patch || toZ - fromZ < z.Patch) window.Clear();
        for (int i = fromX; i < toX; i++)
            for (int j = fromY; j < toY; j++)
            {
                int source = ((start.X + i) * y.Size + start.Y + j) * z.Size + start.Z + fromZ;
                scan.Voxels.AsSpan(source, toZ - fromZ).CopyTo(window[((i * y.Patch + j) * z.Patch + fromZ)..]);
            }
    }
}
