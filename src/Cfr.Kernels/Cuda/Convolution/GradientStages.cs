using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A block's way through the items of <see cref="WarpgroupGradient"/>, stage by stage: steps of one plane of dy, with
/// the plane of x that a plane of taps meets there. It begins and ends within a plane as sizes have it.
/// </summary>
struct GradientStages
{
    /// <summary>Items that a warp copies at once, and from a thread's first chunk to its second.</summary>
    const int Run = 32, Further = WarpgroupGradient.BlockChunks / 2;

    /// <summary>The next step of the plane, and steps of all planes that are left.</summary>
    public int Step, Left;

    /// <summary>The first items of the thread's first chunk of the two planes.</summary>
    int _x, _dy;

    /// <summary>Planes of a sample, and of this one from the present one on.</summary>
    int _planes, _planesLeft;

    /// <summary>Where in shared memory the next stage goes.</summary>
    uint _write;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GradientStages Of(WarpgroupGradientArguments a, int kd, int blockIn, int blockOut)
    {
        // Planes of dy that plane kd of the taps meets one of x for.
        int first = Ptx.Max(0, a.Padding - kd);
        int planes = Ptx.Max(0, Ptx.Min(a.DepthDy, a.DepthX + a.Padding - kd) - first);
        int steps = a.Batch * planes * a.Steps, piece = (steps + Grid.DimX - 1) / Grid.DimX, begin = Grid.IdxX * piece;
        int plane = begin / a.Steps, sample = plane / Ptx.Max(1, planes), d = first + plane - sample * planes;
        return new GradientStages
        {
            Step = begin - plane * a.Steps,
            Left = Ptx.Min(piece, steps - begin),
            _x = Item(a.X, sample, blockIn, d + kd - a.Padding),
            _dy = Item(a.Dy, sample, blockOut, d),
            _planes = planes,
            _planesLeft = planes - (d - first),
        };
    }

    /// <summary>Steps of a stage that begins at this one, where so many are left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Next(WarpgroupGradientArguments a, int step, int left) =>
        Ptx.Min(Ptx.Min(a.StageSteps, a.Steps - step), left);

    /// <summary>Starts the copies of a stage, if there is one, and moves on to the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GradientStages Copy<TRows>(SharedBytes shared, WarpgroupGradientArguments a, GradientStages at)
        where TRows : struct, ITapRows
    {
        if (at.Left > 0)
        {
            int steps = Next(a, at.Step, at.Left), first = at.Step * WarpgroupGradient.StepPositions;
            int positions = steps * WarpgroupGradient.StepPositions;
            int halo = (WarpgroupGradient.Taps - 1) * (a.Pitch + 1);
            Copy<TRows>(shared, at._write, a.Dy, at._dy + first, positions);
            uint ofX = WarpgroupGradient.BlockChunks * a.Dy.StageChunk;
            Copy<TRows>(shared, at._write + ofX, a.X, at._x + first, positions + halo);
            at._write = WarpgroupGradient.Next(at._write, a.StageBytes);
            at.Left -= steps;
            at.Step += steps;
            if (at.Step == a.Steps) at = NextPlane(a, at);
        }
        Ptx.CommitCopies();
        return at;
    }

    /// <summary>
    /// A warp copies runs of 32 items of two chunks, four chunks apart. Three runs are written out, mostly all of them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Copy<TRows>(SharedBytes shared, uint stage, GradientItems items, int first, int count)
        where TRows : struct, ITapRows
    {
        const int RunBytes = Run * PlaneItems.Bytes;
        int thread = Group.IdxX, item = thread / Ptx.WarpgroupThreads * Run + (thread & Run - 1);
        uint to = stage + (uint)Chunk * items.StageChunk + (uint)(item * PlaneItems.Bytes);
        long from = Ptx.MultiplyAddWide(first + item, PlaneItems.Bytes, items.Address);
        long further = Ptx.MultiplyAddWide(Further * items.Chunk, PlaneItems.Bytes, from);
        for (; item < count; item += 3 * TRows.Count * Run)
        {
            uint toFurther = to + Further * items.StageChunk;
            Two(shared, to, toFurther, from, further, 0);
            if (item + TRows.Count * Run < count) Two(shared, to, toFurther, from, further, TRows.Count * RunBytes);
            if (item + 2 * TRows.Count * Run < count)
                Two(shared, to, toFurther, from, further, 2 * TRows.Count * RunBytes);
            to += (uint)(3 * TRows.Count * RunBytes);
            from += 3 * TRows.Count * RunBytes;
            further += 3 * TRows.Count * RunBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Two(SharedBytes shared, uint to, uint toFurther, long from, long further, int bytes)
    {
        Ptx.CopyAsync16(shared, to + (uint)bytes, from + bytes, PlaneItems.Bytes);
        Ptx.CopyAsync16(shared, toFurther + (uint)bytes, further + bytes, PlaneItems.Bytes);
    }

    /// <summary>The thread's first chunk of eight.</summary>
    static int Chunk => Group.IdxX / Run & Further - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static GradientStages NextPlane(WarpgroupGradientArguments a, GradientStages at)
    {
        at.Step = 0;
        at._x += a.X.Plane;
        at._dy += a.Dy.Plane;
        at._planesLeft--;
        if (at._planesLeft > 0) return at;
        at._planesLeft = at._planes;
        at._x += a.X.Sample - at._planes * a.X.Plane;
        at._dy += a.Dy.Sample - at._planes * a.Dy.Plane;
        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Item(GradientItems items, int sample, int block, int plane) =>
        sample * items.Sample + (block * WarpgroupGradient.BlockChunks + Chunk) * items.Chunk + plane * items.Plane;
}
