using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="CopyKernel"/>.</summary>
struct CopyArguments
{
    public long Source, Target;
    public RowPieces Rows;

    /// <summary>Strides along a row, in packets.</summary>
    public int ColumnSource, ColumnTarget;
    public CopyAxes Axes;
}

/// <summary>
/// A strided box, row by row. Bound by memory: 8 bytes an element (12 where it adds), 16 bytes a thread and load where
/// rows are contiguous and aligned. A row is found once for up to four packets of a thread, by two or three divisions
/// with a <see cref="Divisor"/>.
/// </summary>
static class CopyKernel
{
    public static void Run<P, W>(CopyArguments a) where P : struct, IPacket<P> where W : struct, IWrite
    {
        int bytes = sizeof(float) * P.Floats;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        int lanes = 1 << a.Rows.LanesLog2, lane = thread & (lanes - 1);
        long sourceStep = (long)bytes * lanes * a.ColumnSource, targetStep = (long)bytes * lanes * a.ColumnTarget;
        for (int item = thread >> a.Rows.LanesLog2; item < a.Rows.Items; item += threads >> a.Rows.LanesLog2)
        {
            int row = item / a.Rows.Pieces;
            int column = (item - row * a.Rows.Pieces.Value) * RowPieces.PerLane * lanes + lane;
            CopyPlace place = CopyAxes.Place(a.Axes, row);
            long source = a.Source + bytes * Ptx.MultiplyAddWide(column, a.ColumnSource, place.Source);
            long target = a.Target + bytes * Ptx.MultiplyAddWide(column, a.ColumnTarget, place.Target);
            if (column + 3 * lanes < a.Rows.Columns)
            {
                P first = P.Load(source), second = P.Load(source + sourceStep);
                P third = P.Load(source + 2 * sourceStep), fourth = P.Load(source + 3 * sourceStep);
                W.Write(target, first);
                W.Write(target + targetStep, second);
                W.Write(target + 2 * targetStep, third);
                W.Write(target + 3 * targetStep, fourth);
                continue;
            }
            for (; column < a.Rows.Columns; column += lanes, source += sourceStep, target += targetStep)
                W.Write(target, P.Load(source));
        }
    }
}

/// <summary>What a copy does to its target.</summary>
interface IWrite
{
    static abstract void Write<P>(long target, P value) where P : struct, IPacket<P>;
}

/// <summary>target = value</summary>
readonly struct Put : IWrite
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<P>(long target, P value) where P : struct, IPacket<P> => value.Store(target);
}

/// <summary>target += value</summary>
readonly struct Accumulate : IWrite
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<P>(long target, P value) where P : struct, IPacket<P> =>
        (P.Load(target) + value).Store(target);
}
