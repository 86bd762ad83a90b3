using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="ResizeBackward"/>: dy [outer, Outputs, Inner], dx [outer, Inputs, Inner].</summary>
struct ResizeBackwardArguments
{
    public long Dy, Dx;

    /// <summary>Packets of dx.</summary>
    public int Items;

    /// <summary>In packets.</summary>
    public Divisor Inner;
    public Divisor Inputs;
    public AxisMap Map;
}

/// <summary>
/// The transpose of the resizing along one axis: an input gathers the outputs that read it, which lie side by side, so
/// nothing is added by two threads. Bound by memory: dy is read twice, the second time from the caches.
/// </summary>
static class ResizeBackward
{
    public static void Run<P>(ResizeBackwardArguments a) where P : struct, IPacket<P>
    {
        int bytes = sizeof(float) * P.Floats;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < a.Items; item += threads)
        {
            int row = item / a.Inner, outer = row / a.Inputs, input = row - outer * a.Inputs.Value;
            long column = item - (long)row * a.Inner.Value;
            int begin = AxisMap.FirstAt(a.Map, input - a.Map.IsLinear), end = AxisMap.FirstAt(a.Map, input + 1);
            P sum = default;
            for (int i = begin; i < end; i++)
            {
                AxisTap tap = AxisMap.Tap(a.Map, i);
                float weight = tap.First == input ? 1 - tap.Fraction : tap.Fraction;
                if (weight == 0) continue;
                long at = ((long)outer * a.Map.Outputs + i) * a.Inner.Value + column;
                sum = P.AddProduct(sum, weight, P.Load(a.Dy + bytes * at));
            }
            sum.Store(a.Dx + bytes * (long)item);
        }
    }
}
