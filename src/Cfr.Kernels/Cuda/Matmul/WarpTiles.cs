using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>A warp's part of a tile on tensor cores, as sums in registers.</summary>
interface IWarpTile<TSelf> where TSelf : unmanaged, IWarpTile<TSelf>
{
    static abstract int Rows { get; }

    static abstract int Columns { get; }

    /// <summary>Adds the product over half a stage; lanes' places in the stages of A and B are given.</summary>
    static abstract TSelf Multiply<TMma, TA, TB>(
        SharedBytes shared, TSelf sums, uint a, uint b, int half, int rows, int columns)
        where TMma : struct, IMma where TA : struct, IFragmentLayout where TB : struct, IFragmentLayout;

    /// <summary>Stores the sums of a lane, whose first is at this row and column.</summary>
    static abstract void Spill(SharedBytes shared, TSelf sums, int row, int column, int rowBytes);
}

/// <summary>16 rows by 32 columns of sums.</summary>
struct Sums16x32
{
    public Sums C0, C1, C2, C3;

    /// <summary>Adds A's fragment times two of B's: columns 0..15 and 16..31.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums16x32 Multiply<TMma>(SharedBytes shared, Sums16x32 c, Quad a, Quad left, Quad right)
        where TMma : struct, IMma => new()
        {
            C0 = TMma.Multiply(shared, c.C0, a, left.X, left.Y),
            C1 = TMma.Multiply(shared, c.C1, a, left.Z, left.W),
            C2 = TMma.Multiply(shared, c.C2, a, right.X, right.Y),
            C3 = TMma.Multiply(shared, c.C3, a, right.Z, right.W),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spill(SharedBytes shared, Sums16x32 c, int row, int column, int rowBytes)
    {
        Spill(shared, c.C0, row, column, rowBytes);
        Spill(shared, c.C1, row, column + 8, rowBytes);
        Spill(shared, c.C2, row, column + 16, rowBytes);
        Spill(shared, c.C3, row, column + 24, rowBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Spill(SharedBytes shared, Sums c, int row, int column, int rowBytes)
    {
        shared.Store2(Swizzle.Sums(row, column, rowBytes), c.X, c.Y);
        shared.Store2(Swizzle.Sums(row + 8, column, rowBytes), c.Z, c.W);
    }
}

/// <summary>32 x 32: 8 mma for 4 fragments.</summary>
struct WarpTile32 : IWarpTile<WarpTile32>
{
    public Sums16x32 R0, R1;

    public static int Rows => 32;

    public static int Columns => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpTile32 Multiply<TMma, TA, TB>(
        SharedBytes shared, WarpTile32 sums, uint a, uint b, int half, int rows, int columns)
        where TMma : struct, IMma where TA : struct, IFragmentLayout where TB : struct, IFragmentLayout
    {
        Quad b0 = TMma.Round(TB.Fragment(shared, b, 0, half, columns, ofB: true));
        Quad b1 = TMma.Round(TB.Fragment(shared, b, 1, half, columns, ofB: true));
        Quad a0 = TMma.Round(TA.Fragment(shared, a, 0, half, rows, ofB: false));
        Quad a1 = TMma.Round(TA.Fragment(shared, a, 1, half, rows, ofB: false));
        return new WarpTile32
        {
            R0 = Sums16x32.Multiply<TMma>(shared, sums.R0, a0, b0, b1),
            R1 = Sums16x32.Multiply<TMma>(shared, sums.R1, a1, b0, b1),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spill(SharedBytes shared, WarpTile32 sums, int row, int column, int rowBytes)
    {
        Sums16x32.Spill(shared, sums.R0, row, column, rowBytes);
        Sums16x32.Spill(shared, sums.R1, row + 16, column, rowBytes);
    }
}

/// <summary>64 x 64: 32 mma for 8 fragments.</summary>
struct WarpTile64 : IWarpTile<WarpTile64>
{
    public Row R0, R1, R2, R3;

    public static int Rows => 64;

    public static int Columns => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpTile64 Multiply<TMma, TA, TB>(
        SharedBytes shared, WarpTile64 sums, uint a, uint b, int half, int rows, int columns)
        where TMma : struct, IMma where TA : struct, IFragmentLayout where TB : struct, IFragmentLayout
    {
        Quad b0 = TMma.Round(TB.Fragment(shared, b, 0, half, columns, ofB: true));
        Quad b1 = TMma.Round(TB.Fragment(shared, b, 1, half, columns, ofB: true));
        Quad b2 = TMma.Round(TB.Fragment(shared, b, 2, half, columns, ofB: true));
        Quad b3 = TMma.Round(TB.Fragment(shared, b, 3, half, columns, ofB: true));
        return new WarpTile64
        {
            R0 = Row.Multiply<TMma, TA>(shared, sums.R0, a, 0, half, rows, b0, b1, b2, b3),
            R1 = Row.Multiply<TMma, TA>(shared, sums.R1, a, 1, half, rows, b0, b1, b2, b3),
            R2 = Row.Multiply<TMma, TA>(shared, sums.R2, a, 2, half, rows, b0, b1, b2, b3),
            R3 = Row.Multiply<TMma, TA>(shared, sums.R3, a, 3, half, rows, b0, b1, b2, b3),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spill(SharedBytes shared, WarpTile64 sums, int row, int column, int rowBytes)
    {
        Row.Spill(shared, sums.R0, row, column, rowBytes);
        Row.Spill(shared, sums.R1, row + 16, column, rowBytes);
        Row.Spill(shared, sums.R2, row + 32, column, rowBytes);
        Row.Spill(shared, sums.R3, row + 48, column, rowBytes);
    }

    /// <summary>16 rows of it.</summary>
    public struct Row
    {
        public Sums16x32 Left, Right;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row Multiply<TMma, TA>(
            SharedBytes shared, Row c, uint a, int block, int half, int rows, Quad b0, Quad b1, Quad b2, Quad b3)
            where TMma : struct, IMma where TA : struct, IFragmentLayout
        {
            Quad fragment = TMma.Round(TA.Fragment(shared, a, block, half, rows, ofB: false));
            return new Row
            {
                Left = Sums16x32.Multiply<TMma>(shared, c.Left, fragment, b0, b1),
                Right = Sums16x32.Multiply<TMma>(shared, c.Right, fragment, b2, b3),
            };
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Spill(SharedBytes shared, Row c, int row, int column, int rowBytes)
        {
            Sums16x32.Spill(shared, c.Left, row, column, rowBytes);
            Sums16x32.Spill(shared, c.Right, row, column + 32, rowBytes);
        }
    }
}
