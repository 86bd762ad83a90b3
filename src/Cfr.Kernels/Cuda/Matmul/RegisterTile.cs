using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>Eight lines of an operand at four neighbouring steps.</summary>
struct EightLines
{
    public Float4 L0, L1, L2, L3, L4, L5, L6, L7;

    /// <summary>Turns four steps of lines 0..3 and of lines 4..7; nothing moves, registers get other names.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLines Turned(
        Float4 k0, Float4 k1, Float4 k2, Float4 k3, Float4 h0, Float4 h1, Float4 h2, Float4 h3) => new()
        {
            L0 = new(k0.X, k1.X, k2.X, k3.X),
            L1 = new(k0.Y, k1.Y, k2.Y, k3.Y),
            L2 = new(k0.Z, k1.Z, k2.Z, k3.Z),
            L3 = new(k0.W, k1.W, k2.W, k3.W),
            L4 = new(h0.X, h1.X, h2.X, h3.X),
            L5 = new(h0.Y, h1.Y, h2.Y, h3.Y),
            L6 = new(h0.Z, h1.Z, h2.Z, h3.Z),
            L7 = new(h0.W, h1.W, h2.W, h3.W),
        };
}

/// <summary>An operand of the register tile: a thread takes 8 of its lines, 4 steps (a chunk) at a time.</summary>
interface IRegisterLayout : IOperandLayout
{
    /// <summary>The i-th line of a thread.</summary>
    static abstract int Line(int thread, int i, int lines);

    /// <summary>What a thread adds to the place of a stage.</summary>
    static abstract uint ThreadOffset(int thread, int lines);

    /// <summary>
    /// Loads the thread's lines at steps <c>4 chunk .. 4 chunk + 3</c>; its place includes the stage's.
    /// </summary>
    static abstract EightLines Load(SharedBytes shared, uint thread, int chunk, int lines);
}

/// <summary>A thread's lines of both operands.</summary>
struct LinesOfBoth
{
    public EightLines A, B;
}

/// <summary>A row of 8 sums of a thread.</summary>
struct EightSums
{
    public float X0, X1, X2, X3, X4, X5, X6, X7;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightSums Multiply(EightSums c, Float4 a, EightLines b) => new()
    {
        X0 = Dot(c.X0, a, b.L0),
        X1 = Dot(c.X1, a, b.L1),
        X2 = Dot(c.X2, a, b.L2),
        X3 = Dot(c.X3, a, b.L3),
        X4 = Dot(c.X4, a, b.L4),
        X5 = Dot(c.X5, a, b.L5),
        X6 = Dot(c.X6, a, b.L6),
        X7 = Dot(c.X7, a, b.L7),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Dot(float sum, Float4 a, Float4 b) => Ptx.MultiplyAdd(
        a.W, b.W, Ptx.MultiplyAdd(a.Z, b.Z, Ptx.MultiplyAdd(a.Y, b.Y, Ptx.MultiplyAdd(a.X, b.X, sum))));
}

/// <summary>8 x 8 sums of a thread.</summary>
struct Sums8x8
{
    public EightSums R0, R1, R2, R3, R4, R5, R6, R7;
}

/// <summary>The side of a square tile in registers.</summary>
interface ISide
{
    static abstract int Lines { get; }
}

/// <summary>64 lines: 64 threads.</summary>
readonly struct Side64 : ISide
{
    public static int Lines => 64;
}

/// <summary>128 lines: 256 threads.</summary>
readonly struct Side128 : ISide
{
    public static int Lines => 128;
}

/// <summary>
/// Rung 3, register tiles in float32: a thread makes 8 x 8 sums.
/// <code>
///   4 steps: 16 loads of 16 bytes, 256 multiply-adds       a warp: 24 clocks of shared memory, 64 of FMA
/// </code>
/// Sixteen (eight) neighbouring threads share A's lines, which are broadcast to them.
/// </summary>
readonly struct RegisterTile<TSide, TA, TB> : ITile<Sums8x8, LinesOfBoth>
    where TSide : struct, ISide where TA : struct, IRegisterLayout where TB : struct, IRegisterLayout
{
    const int PerThread = 8;

    public static int Rows => TSide.Lines;

    public static int Columns => TSide.Lines;

    public static int Threads => Across * Across;

    static int Across => TSide.Lines / PerThread;

    public static int ElementBytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PlaceA(int thread) => TA.ThreadOffset(thread >> Tile.Log2(Across), TSide.Lines);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PlaceB(int thread) => TB.ThreadOffset(thread & Across - 1, TSide.Lines);

    public static int Parts => Tile.StageBytes / 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LinesOfBoth Load(SharedBytes shared, uint a, uint b, int part) =>
        new() { A = TA.Load(shared, a, part, TSide.Lines), B = TB.Load(shared, b, part, TSide.Lines) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums8x8 Multiply(SharedBytes shared, Sums8x8 sums, LinesOfBoth of) => new()
    {
        R0 = EightSums.Multiply(sums.R0, of.A.L0, of.B),
        R1 = EightSums.Multiply(sums.R1, of.A.L1, of.B),
        R2 = EightSums.Multiply(sums.R2, of.A.L2, of.B),
        R3 = EightSums.Multiply(sums.R3, of.A.L3, of.B),
        R4 = EightSums.Multiply(sums.R4, of.A.L4, of.B),
        R5 = EightSums.Multiply(sums.R5, of.A.L5, of.B),
        R6 = EightSums.Multiply(sums.R6, of.A.L6, of.B),
        R7 = EightSums.Multiply(sums.R7, of.A.L7, of.B),
    };

    public static void Spill(SharedBytes shared, Sums8x8 sums, int thread)
    {
        int row = thread >> Tile.Log2(Across), column = thread & Across - 1;
        Spill(shared, sums.R0, row, 0, column);
        Spill(shared, sums.R1, row, 1, column);
        Spill(shared, sums.R2, row, 2, column);
        Spill(shared, sums.R3, row, 3, column);
        Spill(shared, sums.R4, row, 4, column);
        Spill(shared, sums.R5, row, 5, column);
        Spill(shared, sums.R6, row, 6, column);
        Spill(shared, sums.R7, row, 7, column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Spill(SharedBytes shared, EightSums sums, int threadRow, int i, int threadColumn)
    {
        int row = TA.Line(threadRow, i, TSide.Lines);
        Spill(shared, sums.X0, row, threadColumn, 0);
        Spill(shared, sums.X1, row, threadColumn, 1);
        Spill(shared, sums.X2, row, threadColumn, 2);
        Spill(shared, sums.X3, row, threadColumn, 3);
        Spill(shared, sums.X4, row, threadColumn, 4);
        Spill(shared, sums.X5, row, threadColumn, 5);
        Spill(shared, sums.X6, row, threadColumn, 6);
        Spill(shared, sums.X7, row, threadColumn, 7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Spill(SharedBytes shared, float sum, int row, int threadColumn, int j) =>
        shared.Store(Swizzle.Sums(row, TB.Line(threadColumn, j, TSide.Lines), TSide.Lines * sizeof(float)), sum);
}
