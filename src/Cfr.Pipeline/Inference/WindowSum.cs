using System.Numerics;
using System.Runtime.InteropServices;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Inference;

/// <summary>
/// Adds up the windows' probabilities, <c>[X][Y, Z, K]</c>. Windows come with ascending x, so a plane that no later window
/// meets is finished at once: it is divided by its weights, gives its labels, and is kept only if its probabilities are
/// wanted. Memory is then that of a patch's thickness, not of the volume, and never depends on the number of windows.
/// </summary>
sealed class WindowSum(
    WindowAxis x, WindowAxis y, WindowAxis z, WindowWeights weights, int classes, float passes, bool keepProbabilities)
{
    readonly float[]?[] _planes = new float[x.Size][];
    readonly Stack<float[]> _free = [];
    readonly float[] _sumX = x.Sum(weights.X), _sumY = y.Sum(weights.Y), _sumZ = z.Sum(weights.Z);
    int _finished;

    public byte[] Labels { get; } = new byte[x.Size * y.Size * z.Size];

    /// <summary>Adds one window: probabilities <c>[px, py, pz, K]</c>.</summary>
    public void Add((int X, int Y, int Z) start, ReadOnlySpan<float> window)
    {
        (int fromX, int toX) = x.Inside(start.X);
        (int fromY, int toY) = y.Inside(start.Y);
        (int fromZ, int toZ) = z.Inside(start.Z);
        int length = (toZ - fromZ) * classes;
        for (int i = fromX; i < toX; i++)
        {
            float[] plane = _planes[start.X + i] ??= NewPlane();
            for (int j = fromY; j < toY; j++)
            {
                int source = ((i * y.Patch + j) * z.Patch + fromZ) * classes;
                int target = ((start.Y + j) * z.Size + start.Z + fromZ) * classes;
                ReadOnlySpan<float> row = window.Slice(source, length);
                Span<float> sum = plane.AsSpan(target, length);
                if (weights.IsUniform)
                    Add(row, sum);
                else
                    Add(row, sum, weights.X[i] * weights.Y[j], weights.Z.AsSpan(fromZ));
            }
        }
    }

    /// <summary>No window will meet planes below this one any more.</summary>
    public void Finish(int before)
    {
        for (; _finished < before; _finished++)
        {
            float[] plane = _planes[_finished]!;
            Divide(plane, _sumX[_finished] * passes);
            ArgMax(plane, Labels.AsSpan(_finished * y.Size * z.Size, y.Size * z.Size));
            if (keepProbabilities) continue;
            _free.Push(plane);
            _planes[_finished] = null;
        }
    }

    /// <summary>Probabilities of one class, once all planes are finished.</summary>
    public float[] Probabilities(int wanted)
    {
        int plane = y.Size * z.Size;
        float[] map = new float[x.Size * plane];
        for (int i = 0; i < map.Length; i++) map[i] = _planes[i / plane]![i % plane * classes + wanted];
        return map;
    }

    /// <summary>All probabilities, the class fastest.</summary>
    public float[] Probabilities() => [.. _planes.SelectMany(plane => plane!)];

    float[] NewPlane()
    {
        if (!_free.TryPop(out float[]? plane)) return new float[y.Size * z.Size * classes];
        Array.Clear(plane);
        return plane;
    }

    void Divide(float[] plane, float weight)
    {
        int i = 0;
        foreach (float weightY in _sumY)
            foreach (float weightZ in _sumZ)
            {
                float total = weight * weightY * weightZ;
                for (int c = 0; c < classes; c++) plane[i++] /= total;
            }
    }

    /// <summary>The most probable class, the first of equals; a single class is there above one half.</summary>
    void ArgMax(float[] plane, Span<byte> labels)
    {
        for (int i = 0; i < labels.Length; i++)
        {
            ReadOnlySpan<float> voxel = plane.AsSpan(i * classes, classes);
            int best = 0;
            for (int c = 1; c < voxel.Length; c++)
                if (voxel[c] > voxel[best]) best = c;
            labels[i] = (byte)(classes > 1 ? best : voxel[0] > 0.5f ? 1 : 0);
        }
    }

    static void Add(ReadOnlySpan<float> row, Span<float> sum)
    {
        ReadOnlySpan<Vector<float>> rows = MemoryMarshal.Cast<float, Vector<float>>(row);
        Span<Vector<float>> sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        for (int i = 0; i < rows.Length; i++) sums[i] += rows[i];
        for (int i = rows.Length * Vector<float>.Count; i < row.Length; i++) sum[i] += row[i];
    }

    void Add(ReadOnlySpan<float> row, Span<float> sum, float weight, ReadOnlySpan<float> weightsZ)
    {
        for (int i = 0; i < row.Length; i++) sum[i] += row[i] * (weight * weightsZ[i / classes]);
    }
}
