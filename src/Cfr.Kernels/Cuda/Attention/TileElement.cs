using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>16 x 16 sums: columns 0..7 and 8..15.</summary>
struct Sums16x16
{
    public Sums Left, Right;
}

/// <summary>16 x 16 factors of A: bfloat16 fills the first fragment alone, TF32 both.</summary>
struct Factors
{
    public Quad First, Second;
}

/// <summary>What the rows of tiles are made of.</summary>
interface ITileElement
{
    static abstract int ElementBytes { get; }

    /// <summary>Where a lane reads 16 rows that are summed over.</summary>
    static abstract LanePlace OfSteps(int lane, int rowBytes);

    /// <summary>Rounds sums to factors of A.</summary>
    static abstract Factors Round(Sums16x16 sums);
}

/// <summary>
/// What tensor cores multiply, 16 x 16 x 16 at a time. Tiles are rows of a head; they are multiplied along their columns
/// (logits) or along their rows (gradients), and what was a sum becomes a factor without leaving the registers: a lane
/// holds columns 2t and 2t + 1 of a sum, and so it does of A in bfloat16. In TF32 it would hold t and t + 4; but the
/// order of a sum is free, so columns 2t and 2t + 1 are called t and t + 4, in A and in B.
/// </summary>
interface ITensorElement : ITileElement
{
    /// <summary>Loads 16 rows by the 16 columns of this block as A.</summary>
    static abstract Factors Rows(SharedBytes shared, LanePlace rows, uint tile, int block);

    /// <summary>The same as B of a product along the columns: the rows are what it runs over.</summary>
    static abstract Factors Columns(SharedBytes shared, LanePlace columns, uint tile, int block);

    /// <summary>The same as B of a product along the rows.</summary>
    static abstract Factors Steps(SharedBytes shared, LanePlace steps, uint tile, int block, int rowBytes);

    /// <summary>sums + a b</summary>
    static abstract Sums16x16 Multiply(SharedBytes shared, Sums16x16 sums, Factors a, Factors b);
}

/// <summary>bfloat16: two mma for one load of a fragment.</summary>
readonly struct BFloat16Tile : ITensorElement
{
    const int BlockBytes = HeadTile.Strip * sizeof(ushort);

    public static int ElementBytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LanePlace OfSteps(int lane, int rowBytes) => LanePlace.OfRows(lane, rowBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Factors Rows(SharedBytes shared, LanePlace rows, uint tile, int block) =>
        new() { First = Ptx.LoadMatrix(shared, tile + LanePlace.At(rows, block * BlockBytes)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Factors Round(Sums16x16 sums) => new()
    {
        First = new Quad
        {
            X = Ptx.ToBFloat16Pair(sums.Left.X, sums.Left.Y),
            Y = Ptx.ToBFloat16Pair(sums.Left.Z, sums.Left.W),
            Z = Ptx.ToBFloat16Pair(sums.Right.X, sums.Right.Y),
            W = Ptx.ToBFloat16Pair(sums.Right.Z, sums.Right.W),
        },
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Factors Columns(SharedBytes shared, LanePlace columns, uint tile, int block) =>
        new() { First = Ptx.LoadMatrix(shared, tile + LanePlace.At(columns, block * BlockBytes)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Factors Steps(SharedBytes shared, LanePlace steps, uint tile, int block, int rowBytes) =>
        new() { First = Ptx.LoadMatrixTransposed(shared, tile + LanePlace.At(steps, block * BlockBytes)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums16x16 Multiply(SharedBytes shared, Sums16x16 sums, Factors a, Factors b) => new()
    {
        Left = Ptx.MmaBFloat16(shared, sums.Left, a.First, b.First.X, b.First.Y),
        Right = Ptx.MmaBFloat16(shared, sums.Right, a.First, b.First.Z, b.First.W),
    };
}

/// <summary>
/// TF32: four mma, whose factors lie rounded in memory. Along columns they take two loads of a fragment; along rows, as
/// no instruction turns 32-bit elements, eight of a word.
/// </summary>
readonly struct Tf32Tile : ITensorElement
{
    const int HalfBytes = 32, BlockBytes = 2 * HalfBytes;

    public static int ElementBytes => sizeof(float);

    /// <summary>Of row 2t, the word of column g.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LanePlace OfSteps(int lane, int rowBytes)
    {
        var place = new LanePlace((lane & 3) * 2, lane >> 4, rowBytes);
        place.Row += (uint)(lane >> 2 & 3) * sizeof(float);
        return place;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Factors Rows(SharedBytes shared, LanePlace rows, uint tile, int block) => new()
    {
        First = Ptx.LoadMatrix(shared, tile + LanePlace.At(rows, block * BlockBytes)),
        Second = Ptx.LoadMatrix(shared, tile + LanePlace.At(rows, block * BlockBytes + HalfBytes)),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Factors Round(Sums16x16 sums) => new() { First = Turn(sums.Left), Second = Turn(sums.Right) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Factors Columns(SharedBytes shared, LanePlace columns, uint tile, int block) =>
        Rows(shared, columns, tile, block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Factors Steps(SharedBytes shared, LanePlace steps, uint tile, int block, int rowBytes) => new()
    {
        First = EightSteps(shared, steps, tile, block, rowBytes),
        Second = EightSteps(shared, steps, tile + (uint)(8 * rowBytes), block, rowBytes),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums16x16 Multiply(SharedBytes shared, Sums16x16 sums, Factors a, Factors b) =>
        Multiply(shared, Multiply(shared, sums, a.First, b.First), a.Second, b.Second);

    /// <summary>Rows 2t and 2t + 1 of column g, then of column g + 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Quad EightSteps(SharedBytes shared, LanePlace steps, uint tile, int block, int rowBytes)
    {
        int nextRow = PackedRows.Turn(1, rowBytes) << 4;
        uint next = tile + (uint)rowBytes;
        return new Quad
        {
            X = shared.Load(tile + LanePlace.At(steps, block * BlockBytes)),
            Y = shared.Load(next + LanePlace.At(steps, block * BlockBytes ^ nextRow)),
            Z = shared.Load(tile + LanePlace.At(steps, block * BlockBytes + HalfBytes)),
            W = shared.Load(next + LanePlace.At(steps, block * BlockBytes + HalfBytes ^ nextRow)),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Quad Turn(Sums sums) => new()
    {
        X = Ptx.ToTf32(Ptx.AsBits(sums.X)),
        Y = Ptx.ToTf32(Ptx.AsBits(sums.Z)),
        Z = Ptx.ToTf32(Ptx.AsBits(sums.Y)),
        W = Ptx.ToTf32(Ptx.AsBits(sums.W)),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums16x16 Multiply(SharedBytes shared, Sums16x16 sums, Quad a, Quad b) => new()
    {
        Left = Ptx.MmaTf32(shared, sums.Left, a, b.X, b.Y),
        Right = Ptx.MmaTf32(shared, sums.Right, a, b.Z, b.W),
    };
}
