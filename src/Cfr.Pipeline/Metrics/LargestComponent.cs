using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Metrics;

/// <summary>Which voxels touch.</summary>
public enum Connectivity
{
    /// <summary>Those that share a face.</summary>
    Faces = 6,
    /// <summary>Those that share a face, an edge or a corner.</summary>
    Corners = 26,
}

/// <summary>
/// The largest connected part of an object; of equally large ones that which is met first in array order.
/// </summary>
public static class LargestComponent
{
    /// <summary>The largest part; an empty mask stays empty.</summary>
    public static Mask Of(Mask mask, Connectivity connectivity = Connectivity.Corners)
    {
        (int X, int Y, int Z)[] steps = Steps(connectivity);
        bool[] seen = new bool[mask.Voxels.Length];
        List<int> part = [], largest = [];
        for (int i = 0; i < seen.Length; i++)
        {
            if (!mask.Voxels[i] || seen[i]) continue;
            Fill(mask, i, steps, seen, part);
            if (part.Count > largest.Count) (part, largest) = (largest, part);
        }
        bool[] kept = new bool[seen.Length];
        foreach (int i in largest) kept[i] = true;
        return new Mask(mask.Size, kept);
    }

    /// <summary>All voxels that hang together with one; the list is the queue of those whose neighbours wait.</summary>
    static void Fill(Mask mask, int start, (int X, int Y, int Z)[] steps, bool[] seen, List<int> part)
    {
        GridSize size = mask.Size;
        part.Clear();
        part.Add(start);
        seen[start] = true;
        for (int next = 0; next < part.Count; next++)
        {
            int i = part[next], x = i / (size.Y * size.Z), y = i / size.Z % size.Y, z = i % size.Z;
            foreach (var (dx, dy, dz) in steps)
            {
                int nx = x + dx, ny = y + dy, nz = z + dz;
                if ((uint)nx >= (uint)size.X || (uint)ny >= (uint)size.Y || (uint)nz >= (uint)size.Z) continue;
                int neighbour = (nx * size.Y + ny) * size.Z + nz;
                if (!mask.Voxels[neighbour] || seen[neighbour]) continue;
                seen[neighbour] = true;
                part.Add(neighbour);
            }
        }
    }

    static (int X, int Y, int Z)[] Steps(Connectivity connectivity)
    {
        int[] steps = [-1, 0, 1];
        return
        [
            .. from x in steps
               from y in steps
               from z in steps
               let axes = Math.Abs(x) + Math.Abs(y) + Math.Abs(z)
               where axes > 0 && (axes == 1 || connectivity == Connectivity.Corners)
               select (x, y, z),
        ];
    }
}
