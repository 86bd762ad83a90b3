using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="Filling"/>.</summary>
struct FillArguments
{
    public long Y;

    /// <summary>Packets of four; 0 where the address is no multiple of 16.</summary>
    public int Packets;
    public long Count;
    public float Value;
}

/// <summary>y = value everywhere. Bound by memory: 4 bytes an element.</summary>
static unsafe class Filling
{
    public static void Run(FillArguments a)
    {
        float* y = (float*)a.Y;
        var packet = new Float4(a.Value, a.Value, a.Value, a.Value);
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Packets; i += threads) Ptx.Store4(a.Y + 16L * i, packet);
        for (long i = 4L * a.Packets + thread; i < a.Count; i += threads) y[i] = a.Value;
    }
}
