using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Metrics;

/// <summary>
/// The exact Euclidean distance transform, in time linear in the number of voxels. Squared distances are separable: along
/// z they are those to the nearest object voxel of the row; along y, then x, each value of a line is the lower envelope
/// of parabolas,
/// <code>
/// d(q) = min over p of  f(p) + (spacing (q - p))^2
/// </code>
/// one standing on every voxel p of the line, found in one sweep from left to right and read in a second (Felzenszwalb
/// and Huttenlocher, "Distance transforms of sampled functions", 2012; Meijster et al., 2000).
/// </summary>
public static class DistanceTransform
{
    /// <summary>Lines that are worked on together: their neighbours share cache lines.</summary>
    const int LinesTogether = 16;

    /// <summary>
    /// Squared distance of every voxel's centre to that of the nearest object voxel: 0 inside the object, infinite
    /// everywhere if there is none.
    /// </summary>
    /// <param name="mask">The object.</param>
    /// <param name="spacing">Size of a voxel; distances are in its unit. By default 1: distances in voxels.</param>
    /// <param name="threads">Threads to use; the result does not depend on them.</param>
    public static double[] Squared(Mask mask, (double X, double Y, double Z)? spacing = null, int threads = 1)
    {
        (double sx, double sy, double sz) = spacing ?? (1, 1, 1);
        if (!(sx > 0 && sy > 0 && sz > 0) || !double.IsFinite(sx + sy + sz))
            throw new ArgumentException($"the spacing is {sx} x {sy} x {sz}; expected positive sizes");
        GridSize size = mask.Size;
        int plane = size.Y * size.Z;
        double[] squared = new double[mask.Voxels.Length];
        if (squared.Length == 0) return squared;
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
        Parallel.For(0, size.X, options, x =>
        {
            for (int row = x * plane; row < (x + 1) * plane; row += size.Z)
                AlongRow(mask.Voxels.AsSpan(row, size.Z), squared.AsSpan(row, size.Z), sz);
        });
        Parallel.For(0, size.X, options, () => new Envelope(size.Y, sy), (x, _, envelope) =>
        {
            AlongLines(squared, x * plane, size.Y, size.Z, size.Z, envelope);
            return envelope;
        }, _ => { });
        Parallel.For(0, size.Y, options, () => new Envelope(size.X, sx), (y, _, envelope) =>
        {
            AlongLines(squared, y * size.Z, size.X, plane, size.Z, envelope);
            return envelope;
        }, _ => { });
        return squared;
    }

    static void AlongRow(ReadOnlySpan<bool> isObject, Span<double> squared, double step)
    {
        double distance = double.PositiveInfinity;
        for (int z = 0; z < squared.Length; z++) squared[z] = distance = isObject[z] ? 0 : distance + 1;
        distance = double.PositiveInfinity;
        for (int z = squared.Length - 1; z >= 0; z--)
        {
            distance = isObject[z] ? 0 : distance + 1;
            double nearest = step * Math.Min(distance, squared[z]);
            squared[z] = nearest * nearest;
        }
    }

    /// <summary>
    /// <paramref name="lines"/> lines that begin side by side at <paramref name="start"/>, of <paramref name="length"/>
    /// values <paramref name="stride"/> apart.
    /// </summary>
    static void AlongLines(double[] values, int start, int length, int stride, int lines, Envelope envelope)
    {
        double[] block = envelope.Block;
        for (int first = 0; first < lines; first += LinesTogether)
        {
            int count = Math.Min(LinesTogether, lines - first);
            for (int i = 0; i < length; i++)
            {
                ReadOnlySpan<double> from = values.AsSpan(start + first + i * stride, count);
                for (int line = 0; line < from.Length; line++) block[line * length + i] = from[line];
            }
            for (int line = 0; line < count; line++) envelope.Replace(block.AsSpan(line * length, length));
            for (int i = 0; i < length; i++)
            {
                Span<double> to = values.AsSpan(start + first + i * stride, count);
                for (int line = 0; line < to.Length; line++) to[line] = block[line * length + i];
            }
        }
    }

    /// <summary>The lower envelope of the parabolas of one line, and the memory to find it.</summary>
    sealed class Envelope
    {
        readonly double _weight;
        readonly double[] _heights, _begins, _summits, _halfInverses;
        readonly int[] _feet;

        public Envelope(int length, double step)
        {
            _weight = step * step;
            _feet = new int[length];
            _heights = new double[length];
            _summits = new double[length];
            _begins = new double[length + 1];
            _halfInverses = [.. Enumerable.Range(0, length).Select(distance => 0.5 / (_weight * distance))];
            Block = new double[LinesTogether * length];
        }

        public double[] Block { get; }

        /// <summary>
        /// f becomes the envelope. With g(p) = f(p) + w p^2 the parabolas of p and q meet at (g(q) - g(p)) / (2 w (q - p)).
        /// </summary>
        public void Replace(Span<double> f)
        {
            int last = -1;
            for (int q = 0; q < f.Length; q++)
            {
                if (double.IsPositiveInfinity(f[q])) continue;
                double summit = f[q] + _weight * q * q, begin = double.NegativeInfinity;
                while (last >= 0)
                {
                    begin = (summit - _summits[last]) * _halfInverses[q - _feet[last]];
                    if (begin > _begins[last]) break;
                    last--;
                }
                if (last < 0) begin = double.NegativeInfinity;
                last++;
                (_feet[last], _heights[last], _summits[last], _begins[last]) = (q, f[q], summit, begin);
            }
            if (last < 0) return;
            _begins[last + 1] = double.PositiveInfinity;
            for (int q = 0, current = 0; q < f.Length; q++)
            {
                while (_begins[current + 1] < q) current++;
                double distance = q - _feet[current];
                f[q] = _heights[current] + _weight * (distance * distance);
            }
        }
    }
}
