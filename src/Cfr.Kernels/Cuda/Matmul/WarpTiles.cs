using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>A warp's part of a tile on tensor cores, as sums in registers.</summary>
/// <typeparam name="TSelf">The sums.</typeparam>
/// <typeparam name="TFragments">What half a stage of A and B is to a lane.</typeparam>
interface IWarpTile<TSelf, TFragments>
    where TSelf : unmanaged, IWarpTile<TSelf, TFragments> where TFragments : unmanaged
{
    static abstract int Rows { get; }

    static abstract int Columns { get; }

    /// <summary>Half a stage; lanes' places in the stages of A and B are given.</summary>
    static abstract TFragments Load<TA, TB>(SharedBytes shared, uint a, uint b, int half, int rows, int columns)
        where TA : struct, IFragmentLayout where TB : struct, IFragmentLayout;

    /// <summary>Adds the product over half a stage.</summary>
    static abstract TSelf Multiply<TMma>(SharedBytes shared, TSelf sums, TFragments of) where TMma : struct, IMma;

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

/// <summary>Of 32 lines of A and of B.</summary>
struct Fragments32
{
    public Quad A0, A1, B0, B1;
}

/// <summary>32 x 32: 8 mma for 4 fragments.</summary>
struct WarpTile32 : IWarpTile<WarpTile32, Fragments32>
{
    public Sums16x32 R0, R1;

    public static int Rows => 32;

    public static int Columns => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Fragments32 Load<TA, TB>(SharedBytes shared, uint a, uint b, int half, int rows, int columns)
        where TA : struct, IFragmentLayout where TB : struct, IFragmentLayout => new()
        {
            B0 = TB.Fragment(shared, b, 0, half, columns, ofB: true),
            B1 = TB.Fragment(shared, b, 1, half, columns, ofB: true),
            A0 = TA.Fragment(shared, a, 0, half, rows, ofB: false),
            A1 = TA.Fragment(shared, a, 1, half, rows, ofB: false),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpTile32 Multiply<TMma>(SharedBytes shared, WarpTile32 sums, Fragments32 of)
        where TMma : struct, IMma
    {
        Quad b0 = TMma.Round(of.B0), b1 = TMma.Round(of.B1);
        return new WarpTile32
        {
            R0 = Sums16x32.Multiply<TMma>(shared, sums.R0, TMma.Round(of.A0), b0, b1),
            R1 = Sums16x32.Multiply<TMma>(shared, sums.R1, TMma.Round(of.A1), b0, b1),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spill(SharedBytes shared, WarpTile32 sums, int row, int column, int rowBytes)
    {
        Sums16x32.Spill(shared, sums.R0, row, column, rowBytes);
        Sums16x32.Spill(shared, sums.R1, row + 16, column, rowBytes);
    }
}

/// <summary>16 rows by 64 columns of sums.</summary>
struct RowOf64
{
    public Sums16x32 Left, Right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowOf64 Multiply<TMma>(SharedBytes shared, RowOf64 c, Quad a, Quad b0, Quad b1, Quad b2, Quad b3)
        where TMma : struct, IMma => new()
        {
            Left = Sums16x32.Multiply<TMma>(shared, c.Left, a, b0, b1),
            Right = Sums16x32.Multiply<TMma>(shared, c.Right, a, b2, b3),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spill(SharedBytes shared, RowOf64 c, int row, int column, int rowBytes)
    {
        Sums16x32.Spill(shared, c.Left, row, column, rowBytes);
        Sums16x32.Spill(shared, c.Right, row, column + 32, rowBytes);
    }
}

/// <summary>Of 64 lines of A and of B.</summary>
struct Fragments64
{
    public Quad A0, A1, A2, A3, B0, B1, B2, B3;
}

/// <summary>64 x 64: 32 mma for 8 fragments.</summary>
struct WarpTile64 : IWarpTile<WarpTile64, Fragments64>
{
    public RowOf64 R0, R1, R2, R3;

    public static int Rows => 64;

    public static int Columns => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Fragments64 Load<TA, TB>(SharedBytes shared, uint a, uint b, int half, int rows, int columns)
        where TA : struct, IFragmentLayout where TB : struct, IFragmentLayout => new()
        {
            B0 = TB.Fragment(shared, b, 0, half, columns, ofB: true),
            A0 = TA.Fragment(shared, a, 0, half, rows, ofB: false),
            B1 = TB.Fragment(shared, b, 1, half, columns, ofB: true),
            B2 = TB.Fragment(shared, b, 2, half, columns, ofB: true),
            B3 = TB.Fragment(shared, b, 3, half, columns, ofB: true),
            A1 = TA.Fragment(shared, a, 1, half, rows, ofB: false),
            A2 = TA.Fragment(shared, a, 2, half, rows, ofB: false),
            A3 = TA.Fragment(shared, a, 3, half, rows, ofB: false),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpTile64 Multiply<TMma>(SharedBytes shared, WarpTile64 sums, Fragments64 of)
        where TMma : struct, IMma
    {
        Quad b0 = TMma.Round(of.B0), b1 = TMma.Round(of.B1), b2 = TMma.Round(of.B2), b3 = TMma.Round(of.B3);
        return new WarpTile64
        {
            R0 = RowOf64.Multiply<TMma>(shared, sums.R0, TMma.Round(of.A0), b0, b1, b2, b3),
            R1 = RowOf64.Multiply<TMma>(shared, sums.R1, TMma.Round(of.A1), b0, b1, b2, b3),
            R2 = RowOf64.Multiply<TMma>(shared, sums.R2, TMma.Round(of.A2), b0, b1, b2, b3),
            R3 = RowOf64.Multiply<TMma>(shared, sums.R3, TMma.Round(of.A3), b0, b1, b2, b3),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spill(SharedBytes shared, WarpTile64 sums, int row, int column, int rowBytes)
    {
        RowOf64.Spill(shared, sums.R0, row, column, rowBytes);
        RowOf64.Spill(shared, sums.R1, row + 16, column, rowBytes);
        RowOf64.Spill(shared, sums.R2, row + 32, column, rowBytes);
        RowOf64.Spill(shared, sums.R3, row + 48, column, rowBytes);
    }
}

/// <summary>Of 48 lines of A and 64 of B.</summary>
struct Fragments48x64
{
    public Quad A0, A1, A2, B0, B1, B2, B3;
}

/// <summary>48 x 64: 24 mma for 7 fragments.</summary>
struct WarpTile48x64 : IWarpTile<WarpTile48x64, Fragments48x64>
{
    public RowOf64 R0, R1, R2;

    public static int Rows => 48;

    public static int Columns => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Fragments48x64 Load<TA, TB>(SharedBytes shared, uint a, uint b, int half, int rows, int columns)
        where TA : struct, IFragmentLayout where TB : struct, IFragmentLayout => new()
        {
            B0 = TB.Fragment(shared, b, 0, half, columns, ofB: true),
            A0 = TA.Fragment(shared, a, 0, half, rows, ofB: false),
            B1 = TB.Fragment(shared, b, 1, half, columns, ofB: true),
            B2 = TB.Fragment(shared, b, 2, half, columns, ofB: true),
            B3 = TB.Fragment(shared, b, 3, half, columns, ofB: true),
            A1 = TA.Fragment(shared, a, 1, half, rows, ofB: false),
            A2 = TA.Fragment(shared, a, 2, half, rows, ofB: false),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WarpTile48x64 Multiply<TMma>(SharedBytes shared, WarpTile48x64 sums, Fragments48x64 of)
        where TMma : struct, IMma
    {
        Quad b0 = TMma.Round(of.B0), b1 = TMma.Round(of.B1), b2 = TMma.Round(of.B2), b3 = TMma.Round(of.B3);
        return new WarpTile48x64
        {
            R0 = RowOf64.Multiply<TMma>(shared, sums.R0, TMma.Round(of.A0), b0, b1, b2, b3),
            R1 = RowOf64.Multiply<TMma>(shared, sums.R1, TMma.Round(of.A1), b0, b1, b2, b3),
            R2 = RowOf64.Multiply<TMma>(shared, sums.R2, TMma.Round(of.A2), b0, b1, b2, b3),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spill(SharedBytes shared, WarpTile48x64 sums, int row, int column, int rowBytes)
    {
        RowOf64.Spill(shared, sums.R0, row, column, rowBytes);
        RowOf64.Spill(shared, sums.R1, row + 16, column, rowBytes);
        RowOf64.Spill(shared, sums.R2, row + 32, column, rowBytes);
    }
}
