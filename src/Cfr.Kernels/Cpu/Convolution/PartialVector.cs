using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cpu;

/// <summary>Vectors at the end of a row of channels.</summary>
static unsafe class PartialVector<V> where V : struct, IVector<V>
{
    const int WidestVector = 16;

    /// <summary>The first <paramref name="lanes"/> of a vector, zeros behind them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(float* source, int lanes) => lanes >= V.Width ? V.Load(source) : LoadFew(source, lanes);

    /// <summary>Stores the first <paramref name="lanes"/> of a vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V vector, float* target, int lanes)
    {
        if (lanes >= V.Width)
            vector.Store(target);
        else
            StoreFew(vector, target, lanes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static V LoadFew(float* source, int lanes)
    {
        float* whole = stackalloc float[WidestVector];
        for (int lane = 0; lane < V.Width; lane++) whole[lane] = lane < lanes ? source[lane] : 0;
        return V.Load(whole);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void StoreFew(V vector, float* target, int lanes)
    {
        float* whole = stackalloc float[WidestVector];
        vector.Store(whole);
        for (int lane = 0; lane < lanes; lane++) target[lane] = whole[lane];
    }
}
