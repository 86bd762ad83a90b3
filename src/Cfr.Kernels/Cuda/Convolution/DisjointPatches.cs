using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// The patches of a volume <c>[batch, D, H, W, C]</c> that a kernel as large as its stride sees: no voxel is in two.
/// They are a matrix, a row for each output voxel, columns <c>[KD, KH, KW, C]</c>, that lies in the volume itself: a
/// row is KD KH runs of KW C neighbours, and where a run ends, that of the next patch along W begins. An element's
/// place is the sum of what its row and its column say. All is counted in packets of four floats, of which runs and
/// lines of the volume consist.
/// </summary>
struct DisjointPatches
{
    /// <summary>Floats of a packet.</summary>
    public const int Packet = 4;

    Divisor _alongW, _alongH, _alongD;

    /// <summary>What the numbers of a patch, its line, its plane and its batch entry add to its place.</summary>
    int _patch, _line, _plane, _entry;

    /// <summary>Packets of a run, and runs of a kernel's plane.</summary>
    Divisor _run, _runs;

    /// <summary>What the number of a run and of a kernel's plane add to the place of a column.</summary>
    int _nextRun, _nextPlane;

    public static DisjointPatches Of(ConvolutionShape s)
    {
        Extent kernel = s.Kernel, output = s.Output;
        int run = kernel.W * s.InChannels / Packet, line = s.Input.W * s.InChannels / Packet;
        int plane = s.Input.H * line, entry = s.Input.D * plane;
        return new DisjointPatches
        {
            _alongW = new Divisor(output.W),
            _alongH = new Divisor(output.H),
            _alongD = new Divisor(output.D),
            _patch = run,
            _line = kernel.H * line - output.W * run,
            _plane = kernel.D * plane - output.H * kernel.H * line,
            _entry = entry - output.D * kernel.D * plane,
            _run = new Divisor(run),
            _runs = new Divisor(kernel.H),
            _nextRun = line - run,
            _nextPlane = plane - kernel.H * line,
        };
    }

    /// <summary>The place of a patch: of its first column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Row(DisjointPatches p, int patch)
    {
        int line = patch / p._alongW, plane = line / p._alongH, entry = plane / p._alongD;
        return patch * p._patch + line * p._line + plane * p._plane + entry * p._entry;
    }

    /// <summary>How far behind it a packet of columns lies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Column(DisjointPatches p, int packet)
    {
        int run = packet / p._run, plane = run / p._runs;
        return packet + run * p._nextRun + plane * p._nextPlane;
    }
}
