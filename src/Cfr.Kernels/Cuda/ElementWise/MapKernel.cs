using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="MapKernel"/>; X and Dy are what the form needs.</summary>
struct MapArguments
{
    public long X, Dy, Y;

    /// <summary>Packets of four, 0 where an address is no multiple of 16; then all elements one by one.</summary>
    public int Packets;
    public long Count;
    public float P, Q;
}

/// <summary>
/// y = f(x) and dx = dy f'(x). Bound by memory: 8 bytes an element (12 backward), 16 bytes a thread and load.
/// </summary>
static unsafe class MapKernel
{
    public static void Apply<F>(MapArguments a) where F : struct, IUnaryFunction
    {
        float* x = (float*)a.X, y = (float*)a.Y;
        Lane p = new(a.P), q = new(a.Q);
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Packets; i += threads)
        {
            Float4 v = Ptx.Load4(a.X + 16L * i);
            v.X = F.Apply(new Lane(v.X), p, q).Value;
            v.Y = F.Apply(new Lane(v.Y), p, q).Value;
            v.Z = F.Apply(new Lane(v.Z), p, q).Value;
            v.W = F.Apply(new Lane(v.W), p, q).Value;
            Ptx.Store4(a.Y + 16L * i, v);
        }
        for (long i = 4L * a.Packets + thread; i < a.Count; i += threads)
            y[i] = F.Apply(new Lane(x[i]), p, q).Value;
    }

    public static void Backward<F>(MapArguments a) where F : struct, IUnaryFunction
    {
        float* x = (float*)a.X, dy = (float*)a.Dy, dx = (float*)a.Y;
        Lane p = new(a.P), q = new(a.Q);
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Packets; i += threads)
        {
            Float4 v = Ptx.Load4(a.X + 16L * i), g = Ptx.Load4(a.Dy + 16L * i);
            v.X = F.Derivative(new Lane(v.X), p, q).Value * g.X;
            v.Y = F.Derivative(new Lane(v.Y), p, q).Value * g.Y;
            v.Z = F.Derivative(new Lane(v.Z), p, q).Value * g.Z;
            v.W = F.Derivative(new Lane(v.W), p, q).Value * g.W;
            Ptx.Store4(a.Y + 16L * i, v);
        }
        for (long i = 4L * a.Packets + thread; i < a.Count; i += threads)
            dx[i] = F.Derivative(new Lane(x[i]), p, q).Value * dy[i];
    }

    /// <summary>y += p x; 12 bytes an element.</summary>
    public static void AddScaled(MapArguments a)
    {
        float* x = (float*)a.X, y = (float*)a.Y;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Packets; i += threads)
        {
            Float4 v = Ptx.Load4(a.X + 16L * i), sum = Ptx.Load4(a.Y + 16L * i);
            sum.X = Ptx.MultiplyAdd(a.P, v.X, sum.X);
            sum.Y = Ptx.MultiplyAdd(a.P, v.Y, sum.Y);
            sum.Z = Ptx.MultiplyAdd(a.P, v.Z, sum.Z);
            sum.W = Ptx.MultiplyAdd(a.P, v.W, sum.W);
            Ptx.Store4(a.Y + 16L * i, sum);
        }
        for (long i = 4L * a.Packets + thread; i < a.Count; i += threads)
            y[i] = Ptx.MultiplyAdd(a.P, x[i], y[i]);
    }
}
