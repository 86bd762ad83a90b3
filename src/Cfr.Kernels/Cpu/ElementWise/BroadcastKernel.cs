using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>
/// y = f(a, b) with b repeated along axes of <c>a [Outer, Middle, Inner]</c>. Axes are merged first; then there are two
/// ways:
/// <list type="bullet">
/// <item>long inner axes: row by row, b a row or one number;</item>
/// <item>short inner axes (C = 1, 2, 3, 16): b is written out into a tile of the first-level cache, and long runs of a
/// are combined with the tile. Where b repeats along Middle the tile holds whole periods and is written once.</item>
/// </list>
/// </summary>
static unsafe class BroadcastKernel<V> where V : struct, IVector<V>
{
    const int TileSize = 2048;
    const int LongRow = 64;

    /// <summary>Elements [begin, end) of y, for a merged broadcast.</summary>
    public static void Apply<F>(Broadcast broadcast, float* a, float* b, float* y, long begin, long end)
        where F : struct, IBinaryFunction
    {
        long row = begin / broadcast.Inner;
        var at = new Place(row / broadcast.Middle, row % broadcast.Middle, begin % broadcast.Inner);
        if (broadcast.InnerStride is 0 or 1 && (broadcast.Inner >= LongRow || broadcast.Count == broadcast.Inner))
            ApplyByRows<F>(broadcast, at, a, b, y, begin, end);
        else if (broadcast.MiddleStride == 0 && broadcast.Inner <= TileSize / 2
            && broadcast.Middle * broadcast.Inner >= TileSize)
            ApplyByPeriods<F>(broadcast, at, a, b, y, begin, end);
        else
            ApplyByTiles<F>(broadcast, at, a, b, y, begin, end);
    }

    static void ApplyByRows<F>(Broadcast broadcast, Place at, float* a, float* b, float* y, long begin, long end)
        where F : struct, IBinaryFunction
    {
        while (begin < end)
        {
            long run = Math.Min(broadcast.Inner - at.Inner, end - begin);
            float* row = b + at.Offset(broadcast);
            if (broadcast.InnerStride == 1)
                MapKernel<V>.Combine<F>(a + begin, row, y + begin, run);
            else
                MapKernel<V>.CombineNumber<F>(a + begin, *row, y + begin, run);
            begin += run;
            at.Advance(broadcast, run);
        }
    }

    [SkipLocalsInit]
    static void ApplyByPeriods<F>(Broadcast broadcast, Place at, float* a, float* b, float* y, long begin, long end)
        where F : struct, IBinaryFunction
    {
        float* tile = stackalloc float[TileSize];
        long periods = TileSize / broadcast.Inner * broadcast.Inner;
        long written = -1;
        while (begin < end)
        {
            if (written != at.Outer)
            {
                Place from = at;
                WriteOut(broadcast with { Middle = long.MaxValue }, ref from, b, tile, periods);
                written = at.Outer;
            }
            long leftOfOuter = (broadcast.Middle - at.Middle) * broadcast.Inner - at.Inner;
            long run = Math.Min(periods, Math.Min(leftOfOuter, end - begin));
            MapKernel<V>.Combine<F>(a + begin, tile, y + begin, run);
            begin += run;
            at.Advance(broadcast, run);
        }
    }

    [SkipLocalsInit]
    static void ApplyByTiles<F>(Broadcast broadcast, Place at, float* a, float* b, float* y, long begin, long end)
        where F : struct, IBinaryFunction
    {
        float* tile = stackalloc float[TileSize];
        while (begin < end)
        {
            long run = Math.Min(TileSize, end - begin);
            WriteOut(broadcast, ref at, b, tile, run);
            MapKernel<V>.Combine<F>(a + begin, tile, y + begin, run);
            begin += run;
        }
    }

    /// <summary>The next <paramref name="count"/> values of the repeated b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void WriteOut(Broadcast broadcast, ref Place at, float* b, float* tile, long count)
    {
        long stride = broadcast.InnerStride, inner = broadcast.Inner;
        while (count > 0)
        {
            float* from = b + at.Offset(broadcast);
            long rows = at.Inner == 0 ? Math.Min(count / inner, broadcast.Middle - at.Middle) : 0;
            for (long row = 0; row < rows; row++, from += broadcast.MiddleStride)
                for (long i = 0; i < inner; i++)
                    *tile++ = from[i * stride];
            long run = rows > 0 ? rows * inner : Math.Min(inner - at.Inner, count);
            for (long i = 0; i < run && rows == 0; i++) *tile++ = from[i * stride];
            count -= run;
            at.Advance(broadcast, run);
        }
    }

    /// <summary>A position in a [Outer, Middle, Inner].</summary>
    struct Place(long outer, long middle, long inner)
    {
        public long Outer = outer, Middle = middle, Inner = inner;

        public readonly long Offset(Broadcast b) =>
            Outer * b.OuterStride + Middle * b.MiddleStride + Inner * b.InnerStride;

        public void Advance(Broadcast b, long run)
        {
            Inner += run;
            Middle += Inner / b.Inner;
            Inner %= b.Inner;
            Outer += Middle / b.Middle;
            Middle %= b.Middle;
        }
    }
}
