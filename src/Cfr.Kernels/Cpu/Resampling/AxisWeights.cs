namespace Cfr.Kernels.Cpu;

/// <summary>
/// Resizing along one axis as a banded matrix: output i is the sum of <c>weight * input</c> over Count consecutive
/// inputs. Positions grow with i, so the transpose, which the backward pass applies, is banded too:
/// <code>
/// 2 -> 4 points, linear:   1     0          transposed:   1  .75 .25  0
///                          .75  .25                        0 .25 .75  1
///                          .25  .75
///                          0     1
/// </code>
/// </summary>
readonly unsafe struct AxisWeights
{
    readonly DeviceBuffer _buffer;

    AxisWeights(BufferPool pool, int outputs, long weights)
    {
        Outputs = outputs;
        _buffer = pool.Rent((3L * outputs + weights) * sizeof(int));
        First = (int*)_buffer.Address;
        Count = First + outputs;
        Start = Count + outputs;
        Weights = (float*)(Start + outputs);
    }

    public int Outputs { get; }

    /// <summary>First input of each output.</summary>
    public int* First { get; }

    /// <summary>How many inputs it reads.</summary>
    public int* Count { get; }

    /// <summary>Where their weights begin.</summary>
    public int* Start { get; }

    public float* Weights { get; }

    public void Release() => _buffer.Release();

    /// <summary>From n to m points.</summary>
    public static AxisWeights Forward(BufferPool pool, int n, int m, Interpolation interpolation, bool alignCorners)
    {
        var axis = new AxisWeights(pool, m, 2L * m);
        for (int i = 0; i < m; i++)
        {
            double position = Position(i, n, m, interpolation, alignCorners);
            int first = Math.Min((int)position, n - 1);
            bool isLast = first == n - 1;
            double fraction = isLast ? 0 : position - first;
            axis.First[i] = first;
            axis.Count[i] = isLast || interpolation == Interpolation.Nearest ? 1 : 2;
            axis.Start[i] = 2 * i;
            axis.Weights[2 * i] = (float)(1 - fraction);
            axis.Weights[2 * i + 1] = (float)fraction;
        }
        return axis;
    }

    /// <summary>The transpose of the matrix from n to m points: m inputs, n outputs.</summary>
    public static AxisWeights Transposed(BufferPool pool, int n, int m, Interpolation interpolation, bool alignCorners)
    {
        AxisWeights forward = Forward(pool, n, m, interpolation, alignCorners);
        var axis = new AxisWeights(pool, n, 2L * m);
        int begin = 0, weights = 0;
        for (int j = 0; j < n; j++)
        {
            while (begin < m && forward.First[begin] + forward.Count[begin] <= j) begin++;
            int end = begin;
            axis.Start[j] = weights;
            for (; end < m && forward.First[end] <= j; end++)
                axis.Weights[weights++] = forward.Weights[forward.Start[end] + j - forward.First[end]];
            axis.First[j] = begin;
            axis.Count[j] = end - begin;
        }
        forward.Release();
        return axis;
    }

    static double Position(int i, int n, int m, Interpolation interpolation, bool alignCorners)
    {
        if (interpolation == Interpolation.Nearest) return (long)i * n / m;
        if (alignCorners) return m > 1 ? (double)i * (n - 1) / (m - 1) : 0;
        return Math.Max((i + 0.5) * n / m - 0.5, 0);
    }
}
