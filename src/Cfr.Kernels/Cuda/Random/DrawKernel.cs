using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="DrawKernel"/>; X is what the form reads, if it does.</summary>
struct DrawArguments
{
    public long X, Y;
    public ulong Seed, Stream;

    /// <summary>Where the number lies from which the stream is counted; 0 for none.</summary>
    public long Origin;

    /// <summary>Philox blocks, of four elements each; the last may be cut.</summary>
    public int Blocks;
    public long Count;

    /// <summary>Whether addresses are multiples of 16.</summary>
    public int Aligned;
    public float P, Q;
}

/// <summary>
/// Four random numbers a thread: block i of the stream makes elements 4 i to 4 i + 3. Bound by memory, 4 bytes an
/// element (8 for dropout); ten rounds of Philox are about 25 instructions a number.
/// </summary>
static unsafe class DrawKernel
{
    public static void Run<D>(DrawArguments a) where D : struct, IDraw
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        ulong stream = a.Stream;
        if (a.Origin != 0) stream += *(ulong*)a.Origin;
        for (int i = thread; i < a.Blocks; i += threads)
        {
            var (w0, w1, w2, w3) = Philox.Block((ulong)i, stream, a.Seed);
            var u = new Float4(Philox.Uniform(w0), Philox.Uniform(w1), Philox.Uniform(w2), Philox.Uniform(w3));
            long first = 4L * i;
            if (a.Aligned != 0 && first + 4 <= a.Count)
            {
                Float4 x = default;
                if (D.ReadsX) x = Ptx.Load4(a.X + 4 * first);
                Ptx.Store4(a.Y + 4 * first, D.Apply(u, x, a.P, a.Q));
            }
            else
            {
                float* y = (float*)a.Y + first, from = (float*)a.X + first;
                long count = a.Count - first;
                Float4 x = default;
                if (D.ReadsX) x = new Float4(from[0], At(from, 1, count), At(from, 2, count), At(from, 3, count));
                x = D.Apply(u, x, a.P, a.Q);
                y[0] = x.X;
                if (count > 1) y[1] = x.Y;
                if (count > 2) y[2] = x.Z;
                if (count > 3) y[3] = x.W;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float At(float* x, int i, long count) => i < count ? x[i] : 0;
}
