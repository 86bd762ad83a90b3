using Cfr.Kernels;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Inference;

/// <summary>
/// Adds up the windows' probabilities on the device. Windows come with ascending x, so a plane that no later window meets
/// is finished at once: it is divided by its weights, gives its labels, and comes to the host only if its probabilities
/// are wanted. The sum is a ring <c>[T, Y, Z, K]</c>, T the thickness of a patch: plane x lies at x mod T. Memory is that
/// of the ring and of the scan's labels, and never depends on the number of windows.
/// </summary>
sealed class WindowSum
{
    readonly WindowAxis _x, _y, _z;
    readonly Tensor _ring, _labels, _sumX, _sumY, _sumZ;
    readonly Tensor? _weights;
    readonly float[]?[] _planes;
    readonly bool _keepProbabilities;
    readonly int _thickness, _classes;
    int _finished;

    /// <summary>A sum in the scope around <paramref name="step"/>.</summary>
    /// <param name="session">Where windows are.</param>
    /// <param name="step">The scope of the first windows.</param>
    /// <param name="axes">Where windows lie.</param>
    /// <param name="weights">What each voxel of a window counts.</param>
    /// <param name="classes">K.</param>
    /// <param name="passes">Passes that a window's probabilities are the sum of.</param>
    /// <param name="keepProbabilities">Whether planes are kept on the host.</param>
    public WindowSum(
        Session session, Scope step, (WindowAxis X, WindowAxis Y, WindowAxis Z) axes, WindowWeights weights, int classes,
        float passes, bool keepProbabilities)
    {
        ((_x, _y, _z), _classes, _keepProbabilities) = (axes, classes, keepProbabilities);
        _thickness = Math.Min(_x.Patch, _x.Size);
        _planes = new float[]?[_x.Size];
        _ring = step.Return(session.Zeros([_thickness, _y.Size, _z.Size, classes]));
        _labels = step.Return(session.Zeros([_x.Size, _y.Size, _z.Size], DType.Int32));
        _sumX = Numbers([.. _x.Sum(weights.X).Select(sum => sum * passes)]);
        _sumY = Numbers(_y.Sum(weights.Y));
        _sumZ = Numbers(_z.Sum(weights.Z));
        if (!weights.IsUniform)
            _weights = step.Return(session.Tensor(weights.Product(), [_x.Patch, _y.Patch, _z.Patch, 1]));

        Tensor Numbers(float[] values) => step.Return(session.Tensor(values, [values.Length]));
    }

    /// <summary>The planes' probabilities, <c>[X][Y, Z, K]</c>, where they were to be kept.</summary>
    public IReadOnlyList<float[]?> Planes => _planes;

    /// <summary>Adds one window: probabilities <c>[px, py, pz, K]</c>.</summary>
    public void Add((int X, int Y, int Z) start, Tensor window)
    {
        Finish(Math.Max(0, start.X));
        if (_weights is not null) window *= _weights;
        int slot = start.X < 0 ? start.X : start.X % _thickness;
        AddFrom(slot);
        if (slot > 0) AddFrom(slot - _thickness);

        // What hangs over one end of the ring goes on at the other.
        void AddFrom(int plane) => _ring.AddBox(
            new(new(0, plane, 1, _x.Patch), new(1, start.Y, 1, _y.Patch), new(2, start.Z, 1, _z.Patch)), window);
    }

    /// <summary>Finishes what is left.</summary>
    /// <returns>The most probable class of each voxel.</returns>
    public byte[] Labels()
    {
        Finish(_x.Size);
        return Array.ConvertAll(_labels.ToIntArray(), label => (byte)label);
    }

    /// <summary>No window will meet planes below this one any more.</summary>
    void Finish(int before)
    {
        for (; _finished < before; _finished++)
        {
            Session session = _ring.Session;
            using Scope scope = session.Scope();
            Tensor plane = _ring.Slice(0, _finished % _thickness, 1), mean = plane / Total(_finished);
            // The first of equally probable classes; a single class is there above one half.
            Tensor compared = _classes > 1 ? mean : session.Full(mean.Shape, 0.5f).Concat(^1, mean);
            _labels.SetBox(
                new(new(0, _finished, 1, 1), new(1, 0, 1, _y.Size), new(2, 0, 1, _z.Size)), compared.ArgMax(^1));
            if (_keepProbabilities) _planes[_finished] = mean.ToArray();
            plane.Fill(0);
        }
    }

    /// <summary>The weights of all windows that meet a plane, <c>[1, Y, Z, 1]</c>.</summary>
    Tensor Total(int plane) =>
        ((_sumX.Slice(0, plane, 1).Expand([_y.Size]) * _sumY).Reshape(_y.Size, 1).Expand([_y.Size, _z.Size]) * _sumZ)
            .Reshape(1, _y.Size, _z.Size, 1);
}
