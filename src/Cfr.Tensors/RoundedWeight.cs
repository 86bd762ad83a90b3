using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>
/// A weight of which no gradient is wanted, frozen or outside of training, in the type in which products take it (<see
/// cref="IMatmul.TypeOfA"/>): rounded when the first of them wants it, not for each, and kept beside the weight, which
/// bfloat16 makes half as large again. Once the weight was overwritten it is rounded anew, in its place. A recorded graph
/// reads what was rounded before it, and has it brought up to date before each replay.
/// </summary>
sealed class RoundedWeight : IDisposable
{
    readonly Session _session;
    readonly DeviceBuffer _weight, _rounded;
    readonly long _count;
    readonly DType _type;
    int _overwritten;

    RoundedWeight(Session session, DeviceBuffer weight, long count, DType type)
    {
        (_session, _weight, _count, _type) = (session, weight, count, type);
        _rounded = session.Device.Allocate(type, count);
        Round();
    }

    bool IsStale => _overwritten != _weight.Overwritten;

    /// <summary>
    /// The first numbers of a buffer in a type; null where that would be a launch of the graph that is being recorded.
    /// </summary>
    public static View? Of(Session session, DeviceBuffer weight, long count, DType type)
    {
        var rounded = weight.Beside as RoundedWeight;
        if (session.Recording is { } recording)
        {
            if (rounded is null || rounded.IsStale || !rounded.Is(count, type)) return null;
            recording.Read.Add(rounded);
            return rounded.View;
        }
        if (rounded is null) weight.Beside = rounded = new RoundedWeight(session, weight, count, type);
        if (!rounded.Is(count, type)) return null;
        rounded.Refresh();
        return rounded.View;
    }

    /// <summary>Rounds it again if the weight was overwritten.</summary>
    public void Refresh()
    {
        if (IsStale) Round();
    }

    /// <inheritdoc/>
    public void Dispose() => _rounded.Release();

    View View => new(_rounded.Address, _count, _type);

    bool Is(long count, DType type) => count == _count && type == _type;

    void Round()
    {
        _session.Device.Matmul.Round(new View(_weight.Address, _count, DType.Float32), View);
        _overwritten = _weight.Overwritten;
    }
}
