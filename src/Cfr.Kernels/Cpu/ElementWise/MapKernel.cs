using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Cfr.Kernels.Cpu;

/// <summary>Loops over elements: vectors of V, then single elements.</summary>
static unsafe class MapKernel<V> where V : struct, IVector<V>
{
    /// <summary>y = f(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply<F>(float* x, float* y, long count, float p, float q) where F : struct, IUnaryFunction
    {
        V vp = V.Splat(p), vq = V.Splat(q);
        long i = 0;
        for (; i <= count - V.Width; i += V.Width) F.Apply(V.Load(x + i), vp, vq).Store(y + i);
        for (; i < count; i++) F.Apply(Lanes1.Load(x + i), Lanes1.Splat(p), Lanes1.Splat(q)).Store(y + i);
    }

    /// <summary>dx = dy f'(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<F>(float* x, float* dy, float* dx, long count, float p, float q)
        where F : struct, IUnaryFunction
    {
        V vp = V.Splat(p), vq = V.Splat(q);
        long i = 0;
        for (; i <= count - V.Width; i += V.Width)
            (V.Load(dy + i) * F.Derivative(V.Load(x + i), vp, vq)).Store(dx + i);
        for (; i < count; i++)
            (Lanes1.Load(dy + i) * F.Derivative(Lanes1.Load(x + i), Lanes1.Splat(p), Lanes1.Splat(q))).Store(dx + i);
    }

    /// <summary>y = f(a, b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Combine<F>(float* a, float* b, float* y, long count) where F : struct, IBinaryFunction
    {
        long i = 0;
        for (; i <= count - V.Width; i += V.Width) F.Apply(V.Load(a + i), V.Load(b + i)).Store(y + i);
        for (; i < count; i++) F.Apply(Lanes1.Load(a + i), Lanes1.Load(b + i)).Store(y + i);
    }

    /// <summary>y = f(a, b) with one number b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CombineNumber<F>(float* a, float b, float* y, long count) where F : struct, IBinaryFunction
    {
        V vb = V.Splat(b);
        long i = 0;
        for (; i <= count - V.Width; i += V.Width) F.Apply(V.Load(a + i), vb).Store(y + i);
        for (; i < count; i++) F.Apply(Lanes1.Load(a + i), Lanes1.Splat(b)).Store(y + i);
    }

    /// <summary>y += scale x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(float* x, float scale, float* y, long count)
    {
        V s = V.Splat(scale);
        long i = 0;
        for (; i <= count - V.Width; i += V.Width) V.MultiplyAdd(s, V.Load(x + i), V.Load(y + i)).Store(y + i);
        for (; i < count; i++) y[i] += scale * x[i];
    }

    /// <summary>y = 1 where the label is value, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void EqualTo(int* labels, int value, float* y, long count)
    {
        Vector256<int> wanted = Vector256.Create(value), one = Vector256.Create(1f).AsInt32();
        long i = 0;
        for (; i <= count - Vector256<int>.Count; i += Vector256<int>.Count)
            (Vector256.Equals(Vector256.Load(labels + i), wanted) & one).AsSingle().Store(y + i);
        for (; i < count; i++) y[i] = labels[i] == value ? 1 : 0;
    }
}
