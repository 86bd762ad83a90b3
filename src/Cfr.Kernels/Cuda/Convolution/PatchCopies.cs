using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Patches as lines of an operand, columns as its steps, laid out as <see cref="KMajor"/>. A thread finds the places of
/// its lines, up to four, before the loop, and that of its column once a stage.
/// </summary>
struct PatchLines : IOperandCopy<PatchLines>
{
    /// <summary>The same of a matrix: what is inside, and where it goes.</summary>
    public OperandCopy Matrix;
    DisjointPatches _patches;
    long _volume;
    int _line0, _line1, _line2, _line3;

    /// <summary>The thread's packet of columns of the next stage.</summary>
    int _packet;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PatchLines Begin(
        long volume, DisjointPatches patches, int patch, int patchCount, int column, int columnEnd, int thread,
        int lines, int threads)
    {
        var copy = KMajor.Begin(
            volume, 0, patch, patchCount, column, columnEnd, thread, lines, threads, sizeof(float));
        int first = patchCount - copy.Lines, span = KMajor.Span(lines, threads, sizeof(float));
        return new PatchLines
        {
            Matrix = copy,
            _patches = patches,
            _volume = volume,
            _line0 = DisjointPatches.Row(patches, first),
            _line1 = DisjointPatches.Row(patches, first + span),
            _line2 = DisjointPatches.Row(patches, first + 2 * span),
            _line3 = DisjointPatches.Row(patches, first + 3 * span),
            _packet = (columnEnd - copy.Steps) / DisjointPatches.Packet,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PatchLines Stage(
        SharedBytes shared, uint stage, PatchLines copy, int lines, int threads, int elementBytes)
    {
        int chunks = lines * Tile.StageBytes / 16 / threads;
        int column = DisjointPatches.Column(copy._patches, copy._packet);
        Chunk(shared, stage, copy, copy._line0 + column, 0, lines, threads);
        Chunk(shared, stage, copy, copy._line1 + column, 1, lines, threads);
        if (chunks > 2)
        {
            Chunk(shared, stage, copy, copy._line2 + column, 2, lines, threads);
            Chunk(shared, stage, copy, copy._line3 + column, 3, lines, threads);
        }
        copy.Matrix.Steps -= Tile.StageBytes / sizeof(float);
        copy._packet += Tile.StageBytes / 16;
        return copy;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PatchLines Arrived(
        SharedBytes shared, uint stage, PatchLines copy, int lines, int threads, int elementBytes) => copy;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Chunk(SharedBytes shared, uint stage, PatchLines copy, int place, int i, int lines, int threads)
    {
        int further = i * KMajor.Span(lines, threads, sizeof(float));
        Ptx.CopyAsync16(
            shared, stage + KMajor.Target(copy.Matrix.Target, further, lines, sizeof(float)),
            Ptx.MultiplyAddWide(place, 16, copy._volume), further < KMajor.Inside(copy.Matrix) ? 16 : 0);
    }
}

/// <summary>
/// Columns of patches as lines of an operand, patches as its steps, laid out as <see cref="LineMajor32"/>. A thread
/// keeps its column and finds the places of up to four patches in each stage.
/// </summary>
struct PatchSteps : IOperandCopy<PatchSteps>
{
    /// <summary>As in <see cref="PatchLines"/>.</summary>
    public OperandCopy Matrix;
    DisjointPatches _patches;

    /// <summary>The thread's columns of patch 0.</summary>
    long _column;

    /// <summary>The thread's first patch of the next stage.</summary>
    int _patch;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PatchSteps Begin(
        long volume, DisjointPatches patches, int column, int columnCount, int patch, int patchEnd, int thread,
        int lines, int threads)
    {
        var copy = LineMajor32.Begin(
            volume, 0, column, columnCount, patch, patchEnd, thread, lines, threads, sizeof(float));
        int packet = (columnCount - copy.Lines) / DisjointPatches.Packet;
        return new PatchSteps
        {
            Matrix = copy,
            _patches = patches,
            _column = Ptx.MultiplyAddWide(DisjointPatches.Column(patches, packet), 16, volume),
            _patch = patchEnd - copy.Steps,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PatchSteps Stage(
        SharedBytes shared, uint stage, PatchSteps copy, int lines, int threads, int elementBytes)
    {
        int chunks = lines * Tile.StageBytes / 16 / threads;
        Chunk(shared, stage, copy, 0, lines, threads);
        Chunk(shared, stage, copy, 1, lines, threads);
        if (chunks > 2)
        {
            Chunk(shared, stage, copy, 2, lines, threads);
            Chunk(shared, stage, copy, 3, lines, threads);
        }
        copy.Matrix.Steps -= Tile.StageBytes / sizeof(float);
        copy._patch += Tile.StageBytes / sizeof(float);
        return copy;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PatchSteps Arrived(
        SharedBytes shared, uint stage, PatchSteps copy, int lines, int threads, int elementBytes) => copy;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Chunk(SharedBytes shared, uint stage, PatchSteps copy, int i, int lines, int threads)
    {
        int further = i * LineMajor32.Span(lines, threads, sizeof(float));
        int place = DisjointPatches.Row(copy._patches, copy._patch + further);
        Ptx.CopyAsync16(
            shared, stage + LineMajor32.Target(copy.Matrix.Target, further, lines, sizeof(float)),
            Ptx.MultiplyAddWide(place, 16, copy._column), further < LineMajor32.Inside(copy.Matrix) ? 16 : 0);
    }
}
