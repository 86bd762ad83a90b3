using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Arguments of <see cref="SkinnyMatmul"/>: a product seen as many wide lines (rows of A or columns of B) against a few
/// narrow ones. Strides are in elements.
/// </summary>
struct SkinnyArguments
{
    public long Wide, Narrow;

    /// <summary>Of <see cref="SkinnyMatmul.Columns4"/> only C is used, scratch memory.</summary>
    public EpilogueOperands Epilogue;
    public int Form;

    /// <summary>From line to line, or from step to step where lines are neighbours.</summary>
    public long WideStride;
    public long NarrowLine, NarrowStep;

    public long BatchWide, BatchNarrow, BatchC;

    /// <summary>From element to element of C along the wide and along the narrow lines.</summary>
    public long WideC, NarrowC;

    public int WideLines, NarrowLines, K;

    /// <summary>Lanes that share a sum along k: a power of two from 4 to a warp.</summary>
    public int Lanes;

    /// <summary>As of <see cref="MatmulArguments"/>; a piece is every so many steps.</summary>
    public int FirstMatrix, Pieces;

    /// <summary>The same product, with A or B as the wide operand.</summary>
    public static SkinnyArguments Of(MatmulArguments a, bool wideIsA) => wideIsA
        ? new()
        {
            Wide = a.A,
            WideStride = a.LineA == 1 ? a.StepA : a.LineA,
            BatchWide = a.BatchA,
            WideLines = a.M,
            Narrow = a.B,
            NarrowLine = a.LineB,
            NarrowStep = a.StepB,
            BatchNarrow = a.BatchB,
            NarrowLines = a.N,
            Epilogue = a.Epilogue,
            Form = a.Form,
            WideC = a.RowC,
            NarrowC = 1,
            BatchC = a.BatchC,
            K = a.K,
        }
        : new()
        {
            Wide = a.B,
            WideStride = a.LineB == 1 ? a.StepB : a.LineB,
            BatchWide = a.BatchB,
            WideLines = a.N,
            Narrow = a.A,
            NarrowLine = a.LineA,
            NarrowStep = a.StepA,
            BatchNarrow = a.BatchA,
            NarrowLines = a.M,
            Epilogue = a.Epilogue,
            Form = a.Form,
            WideC = 1,
            NarrowC = a.RowC,
            BatchC = a.BatchC,
            K = a.K,
        };
}

/// <summary>
/// Products with at most 8 rows or columns (LoRA's inner side, a decoder's tokens), in float32 whatever the precision.
/// A tile of 128 would waste 15/16 of its work, and there is nothing to gain: with n narrow lines a wide element's 4
/// bytes meet 2n FLOP, 4 FLOP/B at most, where the chip has 15 (float32) to 200. So the wide operand is read once from
/// memory, and the aim is its bandwidth: M = 16,384, K = 768 are 50 MB, 12 us at 4.3 TB/s.
/// </summary>
static unsafe class SkinnyMatmul
{
    /// <summary>Lines that a thread works on at once.</summary>
    public const int Lines = 4;

    const int Size = sizeof(float);

    /// <summary>
    /// Steps are neighbours in both operands, 4 at a time; or one at a time, the narrow ones anywhere.
    /// </summary>
    public static readonly Kernel<SkinnyArguments> Rows4 = new("matmul_skinny_rows_packets", Rows<FourLanes>);
    public static readonly Kernel<SkinnyArguments> Rows1 = new("matmul_skinny_rows", Rows<Lane>);

    /// <summary>The same of lines up to so many steps, a thread each, where there are so many of them.</summary>
    public static readonly Kernel<SkinnyArguments> ShortRows4 = new("matmul_skinny_short_rows_packets", ShortRows);
    public const int MostShortSteps = 32, FewestShortRows = 1 << 15;

    /// <summary>Lines are neighbours in the wide operand, 4 at a time or one.</summary>
    public static readonly Kernel<SkinnyArguments> Columns4 = new("matmul_skinny_columns_packets", Columns<FourLanes>);
    public static readonly Kernel<SkinnyArguments> Columns1 = new("matmul_skinny_columns", Columns<Lane>);

    /// <summary>
    /// Some lanes make 4 wide by 4 narrow sums; they run along k. Narrow lines come from L1: as many bytes again.
    /// </summary>
    static void Rows<V>(SkinnyArguments a) where V : unmanaged, IDeviceVector<V>
    {
        int rank = Group.IdxX & (a.Lanes - 1), matrix = a.FirstMatrix + Grid.IdxZ, narrow = Grid.IdxY * Lines;
        // Neighbouring lanes take neighbouring lines, so that a warp's loads and stores are of one run of memory.
        int between = BlockReduce.WarpSize / a.Lanes, group = (Grid.IdxX * Group.DimX + Group.IdxX) / a.Lanes;
        int first = group + (group & -between) * (Lines - 1), last = a.WideLines - 1;
        long wide = a.Wide + matrix * a.BatchWide * Size, few = a.Narrow + matrix * a.BatchNarrow * Size;
        // Lanes without lines of their own repeat the last one: a warp adds together.
        long w0 = wide + Ptx.Min(first, last) * a.WideStride * Size;
        long w1 = wide + Ptx.Min(first + between, last) * a.WideStride * Size;
        long w2 = wide + Ptx.Min(first + 2 * between, last) * a.WideStride * Size;
        long w3 = wide + Ptx.Min(first + 3 * between, last) * a.WideStride * Size;
        long n0 = few + narrow * a.NarrowLine * Size;
        long n1 = few + Ptx.Min(narrow + 1, a.NarrowLines - 1) * a.NarrowLine * Size;
        long n2 = few + Ptx.Min(narrow + 2, a.NarrowLines - 1) * a.NarrowLine * Size;
        long n3 = few + Ptx.Min(narrow + 3, a.NarrowLines - 1) * a.NarrowLine * Size;
        FourSums<V> s0 = FourSums<V>.Zero(), s1 = s0, s2 = s0, s3 = s0;
        for (int k = rank * V.Width; k < a.K; k += a.Lanes * V.Width)
        {
            long at = (long)k * Size, fewAt = at * a.NarrowStep;
            V x0 = V.LoadFrom(w0 + at), x1 = V.LoadFrom(w1 + at), x2 = V.LoadFrom(w2 + at), x3 = V.LoadFrom(w3 + at);
            V y0 = V.LoadFrom(n0 + fewAt), y1 = V.LoadFrom(n1 + fewAt);
            V y2 = V.LoadFrom(n2 + fewAt), y3 = V.LoadFrom(n3 + fewAt);
            s0 = FourSums<V>.AddProducts(s0, x0, y0, y1, y2, y3);
            s1 = FourSums<V>.AddProducts(s1, x1, y0, y1, y2, y3);
            s2 = FourSums<V>.AddProducts(s2, x2, y0, y1, y2, y3);
            s3 = FourSums<V>.AddProducts(s3, x3, y0, y1, y2, y3);
        }
        float sum0 = FourSums<V>.Over(a.Lanes, s0), sum1 = FourSums<V>.Over(a.Lanes, s1);
        float sum2 = FourSums<V>.Over(a.Lanes, s2), sum3 = FourSums<V>.Over(a.Lanes, s3);
        narrow += rank;
        if (first > last || rank >= Lines || narrow >= a.NarrowLines) return;
        Finish(a, matrix, first, narrow, sum0);
        if (first + between <= last) Finish(a, matrix, first + between, narrow, sum1);
        if (first + 2 * between <= last) Finish(a, matrix, first + 2 * between, narrow, sum2);
        if (first + 3 * between <= last) Finish(a, matrix, first + 3 * between, narrow, sum3);
    }

    /// <summary>A thread makes the 4 sums of a line: lanes would have more to do adding up than multiplying.</summary>
    static void ShortRows(SkinnyArguments a)
    {
        int line = Grid.IdxX * Group.DimX + Group.IdxX, matrix = a.FirstMatrix + Grid.IdxZ, narrow = Grid.IdxY * Lines;
        if (line >= a.WideLines) return;
        long wide = a.Wide + (matrix * a.BatchWide + line * a.WideStride) * Size;
        long few = a.Narrow + matrix * a.BatchNarrow * Size, n0 = few + narrow * a.NarrowLine * Size;
        long n1 = few + Ptx.Min(narrow + 1, a.NarrowLines - 1) * a.NarrowLine * Size;
        long n2 = few + Ptx.Min(narrow + 2, a.NarrowLines - 1) * a.NarrowLine * Size;
        long n3 = few + Ptx.Min(narrow + 3, a.NarrowLines - 1) * a.NarrowLine * Size;
        FourSums<FourLanes> sums = FourSums<FourLanes>.Zero();
        for (int k = 0; k < a.K * Size; k += FourLanes.Width * Size)
        {
            sums = FourSums<FourLanes>.AddProducts(
                sums, FourLanes.LoadFrom(wide + k), FourLanes.LoadFrom(n0 + k), FourLanes.LoadFrom(n1 + k),
                FourLanes.LoadFrom(n2 + k), FourLanes.LoadFrom(n3 + k));
        }
        Finish(a, matrix, line, narrow, FourLanes.Sum(sums.S0));
        if (narrow + 1 < a.NarrowLines) Finish(a, matrix, line, narrow + 1, FourLanes.Sum(sums.S1));
        if (narrow + 2 < a.NarrowLines) Finish(a, matrix, line, narrow + 2, FourLanes.Sum(sums.S2));
        if (narrow + 3 < a.NarrowLines) Finish(a, matrix, line, narrow + 3, FourLanes.Sum(sums.S3));
    }

    static void Finish(SkinnyArguments a, int matrix, int line, int narrow, float sum) =>
        EpilogueForm.Run<ElementStore, ElementStore>(
            a.Form,
            new ElementStore
            {
                Epilogue = a.Epilogue,
                At = matrix * a.BatchC + line * a.WideC + narrow * a.NarrowC,
                Column = a.NarrowC == 1 ? narrow : line,
                Sum = sum,
            });

    /// <summary>
    /// A thread makes 4 narrow sums of each of its neighbouring wide lines over a piece of k, every so many steps;
    /// neighbouring threads read neighbouring lines, or steps where there are few lines. Pieces make enough threads; C is
    /// scratch [batch, Pieces, narrow, wide].
    /// </summary>
    static void Columns<V>(SkinnyArguments a) where V : unmanaged, IDeviceVector<V>
    {
        int vectors = a.WideLines / V.Width, thread = Grid.IdxX * Group.DimX + Group.IdxX, piece = thread / vectors;
        if (piece >= a.Pieces) return;
        int line = (thread - piece * vectors) * V.Width, narrow = Grid.IdxY * Lines, matrix = a.FirstMatrix + Grid.IdxZ;
        long wide = a.Wide + (matrix * a.BatchWide + piece * a.WideStride + line) * Size;
        long wideStep = a.Pieces * a.WideStride * Size, narrowStep = a.Pieces * a.NarrowStep;
        float* few = (float*)a.Narrow + matrix * a.BatchNarrow + piece * a.NarrowStep;
        float* n0 = few + narrow * a.NarrowLine, n1 = few + Ptx.Min(narrow + 1, a.NarrowLines - 1) * a.NarrowLine;
        float* n2 = few + Ptx.Min(narrow + 2, a.NarrowLines - 1) * a.NarrowLine;
        float* n3 = few + Ptx.Min(narrow + 3, a.NarrowLines - 1) * a.NarrowLine;
        FourSums<V> sums = FourSums<V>.Zero();
        for (int k = piece; k < a.K; k += 2 * a.Pieces)
        {
            // Two steps on their way at once; behind the last one, that one again.
            bool two = k + a.Pieces < a.K;
            long next = two ? narrowStep : 0;
            V x0 = V.LoadFrom(wide), x1 = V.LoadFrom(wide + (two ? wideStep : 0));
            float m0 = n0[next], m1 = n1[next], m2 = n2[next], m3 = n3[next];
            sums = FourSums<V>.AddProducts(sums, x0, V.Splat(*n0), V.Splat(*n1), V.Splat(*n2), V.Splat(*n3));
            if (two) sums = FourSums<V>.AddProducts(sums, x1, V.Splat(m0), V.Splat(m1), V.Splat(m2), V.Splat(m3));
            wide += 2 * wideStep;
            n0 += 2 * narrowStep;
            n1 += 2 * narrowStep;
            n2 += 2 * narrowStep;
            n3 += 2 * narrowStep;
        }
        long c = a.Epilogue.C + (((long)matrix * a.Pieces + piece) * a.BatchC + narrow * a.NarrowC + line) * Size;
        sums.S0.StoreTo(c);
        if (narrow + 1 < a.NarrowLines) sums.S1.StoreTo(c + a.NarrowC * Size);
        if (narrow + 2 < a.NarrowLines) sums.S2.StoreTo(c + 2 * a.NarrowC * Size);
        if (narrow + 3 < a.NarrowLines) sums.S3.StoreTo(c + 3 * a.NarrowC * Size);
    }
}

/// <summary>Sums of one vector of a wide line with four narrow ones.</summary>
struct FourSums<V> where V : unmanaged, IDeviceVector<V>
{
    public V S0, S1, S2, S3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourSums<V> Zero() =>
        new() { S0 = V.Splat(0), S1 = V.Splat(0), S2 = V.Splat(0), S3 = V.Splat(0) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourSums<V> AddProducts(FourSums<V> sums, V x, V y0, V y1, V y2, V y3) => new()
    {
        S0 = V.MultiplyAdd(x, y0, sums.S0),
        S1 = V.MultiplyAdd(x, y1, sums.S1),
        S2 = V.MultiplyAdd(x, y2, sums.S2),
        S3 = V.MultiplyAdd(x, y3, sums.S3),
    };

    /// <summary>Adds over each so many lanes of a warp; lane l gets sum l % 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Over(int lanes, FourSums<V> sums)
    {
        float s0 = V.Sum(sums.S0), s1 = V.Sum(sums.S1), s2 = V.Sum(sums.S2), s3 = V.Sum(sums.S3);
        // Lanes that differ in bit 1 share out the pairs of sums, those that differ in bit 0 the sums of a pair.
        bool isUpperPair = (Group.IdxX & 2) != 0, isOdd = (Group.IdxX & 1) != 0;
        float a = (isUpperPair ? s2 : s0) + Warp.ShuffleXor(isUpperPair ? s0 : s2, 2);
        float b = (isUpperPair ? s3 : s1) + Warp.ShuffleXor(isUpperPair ? s1 : s3, 2);
        float sum = (isOdd ? b : a) + Warp.ShuffleXor(isOdd ? a : b, 1);
        for (int distance = 4; distance < lanes; distance *= 2) sum += Warp.ShuffleXor(sum, distance);
        return sum;
    }
}
