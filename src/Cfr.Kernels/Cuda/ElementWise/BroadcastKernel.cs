using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="BroadcastKernel"/>: a and y are <c>[outer, Middle, Inner]</c>.</summary>
struct BroadcastArguments
{
    public long A, B, Y;

    /// <summary>Packets of four along Inner; 0 where rows do not consist of them: then all elements one by one.</summary>
    public int Packets;
    public long Count;

    /// <summary>Length of an inner row, in packets where there are any, else in elements.</summary>
    public Divisor Inner;
    public Divisor Middle;

    /// <summary>In elements of b. With packets the inner stride is 0 or 1.</summary>
    public long OuterStride, MiddleStride, InnerStride;
}

/// <summary>
/// y = f(a, b) with b repeated. Bound by memory: 8 bytes an element and what b has, 16 bytes a thread and load. Where b
/// lies is found by two divisions with a <see cref="Divisor"/>, a tenth of what the loads take.
/// </summary>
static unsafe class BroadcastKernel
{
    public static void Apply<F>(BroadcastArguments a) where F : struct, IBinaryFunction
    {
        float* left = (float*)a.A, right = (float*)a.B, y = (float*)a.Y;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Packets; i += threads)
        {
            int row = i / a.Inner, column = 4 * (i - row * a.Inner.Value);
            long at = RowOffset(row, a.Middle, a.OuterStride, a.MiddleStride);
            Float4 u = Ptx.Load4(a.A + 16L * i), v;
            if (a.InnerStride == 0)
            {
                float number = right[at];
                v = new Float4(number, number, number, number);
            }
            else
                v = Ptx.Load4(a.B + 4 * (at + column));
            u.X = F.Apply(new Lane(u.X), new Lane(v.X)).Value;
            u.Y = F.Apply(new Lane(u.Y), new Lane(v.Y)).Value;
            u.Z = F.Apply(new Lane(u.Z), new Lane(v.Z)).Value;
            u.W = F.Apply(new Lane(u.W), new Lane(v.W)).Value;
            Ptx.Store4(a.Y + 16L * i, u);
        }
        // What is left over behind packets belongs to the one row that there is.
        for (long i = 4L * a.Packets + thread; i < a.Count; i += threads)
        {
            int row = a.Packets > 0 ? 0 : (int)i / a.Inner;
            long column = i - (long)row * a.Inner.Value;
            long at = RowOffset(row, a.Middle, a.OuterStride, a.MiddleStride) + column * a.InnerStride;
            y[i] = F.Apply(new Lane(left[i]), new Lane(right[at])).Value;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long RowOffset(int row, Divisor middle, long outerStride, long middleStride)
    {
        int outer = row / middle;
        return outer * outerStride + (row - outer * middle.Value) * middleStride;
    }
}
