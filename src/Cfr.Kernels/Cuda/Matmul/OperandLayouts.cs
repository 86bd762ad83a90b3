using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// How an operand lies in memory: which threads fetch which chunks, where they land in a stage. All are pure functions;
/// what depends only on the tile folds to constants.
/// </summary>
interface IOperandLayout
{
    /// <summary>Whether steps are neighbours in memory; else lines are.</summary>
    static abstract bool StepsAreNeighbours { get; }

    /// <summary>The copies of this thread, beginning at (line, step) of the operand at this address.</summary>
    static abstract OperandCopy Begin(
        long address, long stride, int line, int lineCount, int step, int stepEnd, int thread, int lines, int threads,
        int elementBytes);

    /// <summary>Lines (or steps) between a thread's chunks.</summary>
    static abstract int Span(int lines, int threads, int elementBytes);

    /// <summary>
    /// A chunk's place in a stage, <paramref name="further"/> lines (or steps) after the first one's.
    /// </summary>
    static abstract uint Target(uint first, int further, int lines, int elementBytes);

    /// <summary>Lines (or steps) from the first chunk on that are inside the operand.</summary>
    static abstract int Inside(OperandCopy copy);
}

/// <summary>
/// An operand of tensor cores. A fragment is 16 lines by 32 bytes of k (half 0 or 1 of a stage): four matrices of 8
/// lines by 16 bytes. Of A they come in the order of its registers: both halves of the lines, then further along k. Of
/// B the two that belong to the same 8 columns come together, because an mma takes them from neighbouring registers.
/// </summary>
interface IFragmentLayout : IOperandLayout
{
    /// <summary>What a lane adds to the place of a stage, in a warp whose lines begin here.</summary>
    static abstract uint LaneOffset(int lane, int line, int lines, bool ofB);

    /// <summary>
    /// Loads the fragment of 16-line block <paramref name="block"/> of the warp; the lane's place includes the stage's.
    /// </summary>
    static abstract Quad Fragment(SharedBytes shared, uint lane, int block, int half, int lines, bool ofB);
}

/// <summary>An operand of products of warp groups, which the tensor cores read where it lies.</summary>
interface IWarpgroupLayout : IOperandLayout
{
    /// <summary>16 steps (half 0 or 1 of the stage that begins here) of the lines from this one on.</summary>
    static abstract MatrixDescriptor Descriptor(SharedBytes shared, uint stage, int line, int half);
}

/// <summary>
/// Steps are neighbours (a row-major A, a transposed B). A stage holds a line in 64 bytes: four chunks, permuted by
/// <see cref="Swizzle.Narrow"/>.
/// </summary>
readonly struct KMajor : IFragmentLayout, IWarpgroupLayout, IRegisterLayout
{
    const int Chunks = Tile.StageBytes / 16;

    public static bool StepsAreNeighbours => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OperandCopy Begin(
        long address, long stride, int line, int lineCount, int step, int stepEnd, int thread, int lines, int threads,
        int elementBytes)
    {
        int ownLine = thread >> 2, chunk = thread & 3, ownStep = step + chunk * (16 / elementBytes);
        return new OperandCopy
        {
            Source = address + ((line + ownLine) * stride + ownStep) * elementBytes,
            Between = threads / Chunks * stride * elementBytes,
            Advance = Tile.StageBytes,
            Target = Swizzle.Narrow(ownLine, chunk),
            Lines = lineCount - line - ownLine,
            Steps = stepEnd - ownStep,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Span(int lines, int threads, int elementBytes) => threads / Chunks;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Target(uint first, int further, int lines, int elementBytes) =>
        first + (uint)(further * Tile.StageBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Inside(OperandCopy copy) => copy.Steps > 0 ? copy.Lines : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LaneOffset(int lane, int line, int lines, bool ofB) => ofB
        ? Swizzle.Narrow(line + (lane & 7) + (lane >> 4 << 3), lane >> 3 & 1)
        : Swizzle.Narrow(line + (lane & 15), lane >> 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Fragment(SharedBytes shared, uint lane, int block, int half, int lines, bool ofB) =>
        Ptx.LoadMatrix(shared, (lane ^ (uint)(half * 32)) + (uint)(block * 16 * Tile.StageBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MatrixDescriptor Descriptor(SharedBytes shared, uint stage, int line, int half) =>
        MatrixDescriptor.OfLines(shared, stage + (uint)(line * Tile.StageBytes + half * 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Line(int thread, int i, int lines) => thread + i * (lines / 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ThreadOffset(int thread, int lines) => Swizzle.Narrow(thread, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLines Load(SharedBytes shared, uint thread, int chunk, int lines)
    {
        uint at = thread ^ (uint)(chunk << 4), between = (uint)(lines / 8 * Tile.StageBytes);
        return new EightLines
        {
            L0 = shared.Load4(at),
            L1 = shared.Load4(at + between),
            L2 = shared.Load4(at + 2 * between),
            L3 = shared.Load4(at + 3 * between),
            L4 = shared.Load4(at + 4 * between),
            L5 = shared.Load4(at + 5 * between),
            L6 = shared.Load4(at + 6 * between),
            L7 = shared.Load4(at + 7 * between),
        };
    }
}

/// <summary>
/// Lines of bfloat16 are neighbours (a transposed A, a row-major B). A stage holds 32 rows of k; chunks of 8 lines are
/// permuted by <see cref="Swizzle.Wide"/>, and <c>ldmatrix.trans</c> turns them.
/// </summary>
readonly struct LineMajor16 : IFragmentLayout
{
    public static bool StepsAreNeighbours => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OperandCopy Begin(
        long address, long stride, int line, int lineCount, int step, int stepEnd, int thread, int lines, int threads,
        int elementBytes)
    {
        int chunks = lines / 8, row = thread >> Tile.Log2(chunks), chunk = thread & chunks - 1;
        int ownLine = line + chunk * 8;
        return new OperandCopy
        {
            Source = address + ((step + row) * stride + ownLine) * 2,
            Between = threads / chunks * stride * 2,
            Advance = Tile.StageBytes / 2 * stride * 2,
            Target = Swizzle.Wide(row, chunk, lines * 2),
            Lines = lineCount - ownLine,
            Steps = stepEnd - step - row,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Span(int lines, int threads, int elementBytes) => threads / (lines / 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Target(uint first, int further, int lines, int elementBytes) =>
        (first ^ (uint)((further & 7) << 4)) + (uint)(further * lines * 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Inside(OperandCopy copy) => copy.Lines > 0 ? copy.Steps : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LaneOffset(int lane, int line, int lines, bool ofB) => ofB
        ? Swizzle.Wide(lane & 15, (line >> 3) + (lane >> 4), lines * 2)
        : Swizzle.Wide((lane & 7) + (lane >> 4 << 3), (line >> 3) + (lane >> 3 & 1), lines * 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Fragment(SharedBytes shared, uint lane, int block, int half, int lines, bool ofB) =>
        Ptx.LoadMatrixTransposed(shared, (lane ^ (uint)(block * 32)) + (uint)(half * 16 * lines * 2));
}

/// <summary>
/// Lines of floats are neighbours. A stage holds 16 rows of k, permuted by <see cref="Swizzle.Words"/>. No instruction
/// turns 32-bit elements: a fragment is four loads of a word, without conflicts.
/// </summary>
readonly struct LineMajor32 : IFragmentLayout, IRegisterLayout
{
    public static bool StepsAreNeighbours => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OperandCopy Begin(
        long address, long stride, int line, int lineCount, int step, int stepEnd, int thread, int lines, int threads,
        int elementBytes)
    {
        int chunks = lines / 4, row = thread >> Tile.Log2(chunks), chunk = thread & chunks - 1;
        int ownLine = line + chunk * 4;
        return new OperandCopy
        {
            Source = address + ((step + row) * stride + ownLine) * 4,
            Between = threads / chunks * stride * 4,
            Advance = Tile.StageBytes / 4 * stride * 4,
            Target = Swizzle.Words(row, chunk * 4, lines * 4),
            Lines = lineCount - ownLine,
            Steps = stepEnd - step - row,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Span(int lines, int threads, int elementBytes) => threads / (lines / 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Target(uint first, int further, int lines, int elementBytes) =>
        (first ^ (uint)((further & 3) << 5)) + (uint)(further * lines * 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Inside(OperandCopy copy) => copy.Lines > 0 ? copy.Steps : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LaneOffset(int lane, int line, int lines, bool ofB) =>
        Swizzle.Words(lane & 3, line + (lane >> 2), lines * 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Fragment(SharedBytes shared, uint lane, int block, int half, int lines, bool ofB)
    {
        uint further = (uint)(half * 8 * lines * 4), low = (lane ^ (uint)(block * 64)) + further;
        uint high = (lane ^ (uint)(block * 64 + 32)) + further, fourRows = (uint)(4 * lines * 4);
        uint second = ofB ? low + fourRows : high, third = ofB ? high : low + fourRows;
        return new Quad
        {
            X = shared.Load(low),
            Y = shared.Load(second),
            Z = shared.Load(third),
            W = shared.Load(high + fourRows),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Line(int thread, int i, int lines) => 4 * thread + i % 4 + i / 4 * (lines / 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ThreadOffset(int thread, int lines) => Swizzle.Words(0, 4 * thread, lines * 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLines Load(SharedBytes shared, uint thread, int chunk, int lines)
    {
        uint rowBytes = (uint)(lines * 4), half = (uint)(lines / 2 * 4), at = (uint)chunk * 4 * rowBytes;
        uint k1 = at + rowBytes + (thread ^ 32), k2 = at + 2 * rowBytes + (thread ^ 64);
        uint k3 = at + 3 * rowBytes + (thread ^ 96);
        at += thread;
        return EightLines.Turned(
            shared.Load4(at), shared.Load4(k1), shared.Load4(k2), shared.Load4(k3), shared.Load4(at + half),
            shared.Load4(k1 + half), shared.Load4(k2 + half), shared.Load4(k3 + half));
    }
}

/// <summary>
/// Lines of bfloat16 are neighbours, for warp groups: a stage holds 32 rows of k for every 64 lines, one such block
/// behind the other, permuted by <see cref="Swizzle.Wide"/>. 256 threads copy a block at once.
/// </summary>
readonly struct LineMajorBlocks : IWarpgroupLayout
{
    const int Lines = 64, RowBytes = 2 * Lines, BlockBytes = Tile.StageBytes / 2 * RowBytes;

    public static bool StepsAreNeighbours => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OperandCopy Begin(
        long address, long stride, int line, int lineCount, int step, int stepEnd, int thread, int lines, int threads,
        int elementBytes)
    {
        int row = thread >> 3, chunk = thread & 7, ownLine = line + chunk * 8;
        return new OperandCopy
        {
            Source = address + ((step + row) * stride + ownLine) * 2,
            Between = RowBytes,
            Advance = Tile.StageBytes / 2 * stride * 2,
            Target = Swizzle.Wide(row, chunk, RowBytes),
            Lines = lineCount - ownLine,
            Steps = stepEnd - step - row,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Span(int lines, int threads, int elementBytes) => Lines;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Target(uint first, int further, int lines, int elementBytes) =>
        first + (uint)(further / Lines * BlockBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Inside(OperandCopy copy) => copy.Steps > 0 ? copy.Lines : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MatrixDescriptor Descriptor(SharedBytes shared, uint stage, int line, int half) =>
        MatrixDescriptor.OfSteps(
            shared, stage + (uint)(line / Lines * BlockBytes + half * 16 * RowBytes), BlockBytes);
}
