using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="LabelMask"/>.</summary>
struct EqualToArguments
{
    public long Labels, Y;

    /// <summary>Packets of four; 0 where an address is no multiple of 16.</summary>
    public int Packets;
    public long Count;
    public int Value;
}

/// <summary>y = 1 where the label is the value, else 0. Bound by memory: 8 bytes an element.</summary>
static unsafe class LabelMask
{
    public static void Run(EqualToArguments a)
    {
        int* labels = (int*)a.Labels;
        float* y = (float*)a.Y;
        uint wanted = (uint)a.Value;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int i = thread; i < a.Packets; i += threads)
        {
            Float4 v = Ptx.Load4(a.Labels + 16L * i);
            v.X = Ptx.AsBits(v.X) == wanted ? 1f : 0f;
            v.Y = Ptx.AsBits(v.Y) == wanted ? 1f : 0f;
            v.Z = Ptx.AsBits(v.Z) == wanted ? 1f : 0f;
            v.W = Ptx.AsBits(v.W) == wanted ? 1f : 0f;
            Ptx.Store4(a.Y + 16L * i, v);
        }
        for (long i = 4L * a.Packets + thread; i < a.Count; i += threads) y[i] = labels[i] == a.Value ? 1f : 0f;
    }
}
