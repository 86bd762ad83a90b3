using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Sums of a warp's rows by 16 columns, spread over the lanes as tensor cores leave them (<see cref="Fragments"/>):
/// lane 4 g + t has columns 2t, 2t + 1, 2t + 8 and 2t + 9 of rows g, g + 8 and, where there are 32 rows, g + 16, g +
/// 24. What belongs to a lane's rows is a <see cref="Float4"/> in this order.
/// </summary>
/// <typeparam name="TSelf">The sums.</typeparam>
/// <typeparam name="TFragment">A left operand of as many rows and 32 bytes of k.</typeparam>
interface IRowSums<TSelf, TFragment>
    where TSelf : unmanaged, IRowSums<TSelf, TFragment> where TFragment : unmanaged
{
    /// <summary>16 or 32.</summary>
    static abstract int Rows { get; }

    /// <summary>Words t and t + 4 of the lane's rows in global memory; zeros behind the last row.</summary>
    static abstract TFragment LoadOperand(long word, long furtherWord, int rowBytes, int rowsLeft);

    /// <summary>Adds the product of a left operand and two of B's fragments.</summary>
    static abstract TSelf Multiply<TFactors>(SharedBytes shared, TSelf c, TFragment a, Quad b)
        where TFactors : struct, IFlashFactors;

    static abstract Float4 Max(Float4 largest, TSelf c);

    static abstract Float4 Add(Float4 sum, TSelf c);

    /// <summary>c + what belongs to the row.</summary>
    static abstract TSelf AddToRows(TSelf c, Float4 ofRows);

    /// <summary>2^(c + shift of the row)</summary>
    static abstract TSelf Exp2(TSelf c, Float4 shift);

    static abstract TSelf Scale(TSelf c, Float4 factor);

    /// <summary>Minus infinity in columns from <paramref name="left"/> on, counted from the lane's first.</summary>
    static abstract TSelf Mask(TSelf c, int left);

    static abstract TFragment BFloat16Operand(TSelf c);

    /// <summary>Of the left or the right 8 columns, as <see cref="Tf32Factors"/> wants it.</summary>
    static abstract TFragment Tf32Operand(TSelf c, bool right);

    /// <summary>What lies in shared memory in the order of the sums, 16 bytes a lane and tile of 16 x 8.</summary>
    static abstract TSelf LoadOwn(SharedBytes shared, uint at, uint between);

    /// <summary>
    /// What lies in shared memory for a lane's four columns, in two parts that are added; its rows are eight apart.
    /// </summary>
    static abstract TSelf Gather(
        SharedBytes shared, KeyPlaces first, KeyPlaces second, KeyPlaces third, KeyPlaces fourth, uint eightRows);

    /// <summary>
    /// Makes them sums of 16 of the 64 columns of a warp group's products: each 16 rows have a set, from this one on.
    /// </summary>
    static abstract void Put(SharedBytes shared, TSelf c, int set, int sixteen);

    static abstract TSelf Get(SharedBytes shared, int set, int sixteen);

    /// <summary>Begins adding a left operand's products to those sums.</summary>
    static abstract void AddProducts(SharedBytes shared, TFragment a, MatrixDescriptor b, bool turned, int set);

    /// <summary>Stores columns of rows in global memory, so many from where the lane's rows begin.</summary>
    static abstract void Store(TSelf c, FourRows rows, int column, int columnsLeft);
}

/// <summary>
/// Where a lane's rows are in global memory, in their order; 0 where there is none. Their elements are float32 or, rounded
/// as they are stored, bfloat16.
/// </summary>
struct FourRows
{
    public long X, Y, Z, W;
    public int IsHalf;
}

/// <summary>Where shared memory has a column's two parts for the lane's first row.</summary>
struct KeyPlaces
{
    public uint OfRow, OfColumn;
}

/// <summary>16 rows.</summary>
unsafe struct Rows16 : IRowSums<Rows16, Quad>
{
    public Sums C0, C1;

    public static int Rows => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad LoadOperand(long word, long furtherWord, int rowBytes, int rowsLeft)
    {
        int eight = 8 * rowBytes;
        return new Quad
        {
            X = rowsLeft > 0 ? *(uint*)word : 0,
            Y = rowsLeft > 8 ? *(uint*)(word + eight) : 0,
            Z = rowsLeft > 0 ? *(uint*)furtherWord : 0,
            W = rowsLeft > 8 ? *(uint*)(furtherWord + eight) : 0,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows16 Multiply<TFactors>(SharedBytes shared, Rows16 c, Quad a, Quad b)
        where TFactors : struct, IFlashFactors => new()
        {
            C0 = TFactors.Multiply(shared, c.C0, a, b.X, b.Y),
            C1 = TFactors.Multiply(shared, c.C1, a, b.Z, b.W),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Max(Float4 largest, Rows16 c)
    {
        largest.X = Ptx.Max(Ptx.Max(largest.X, Ptx.Max(c.C0.X, c.C0.Y)), Ptx.Max(c.C1.X, c.C1.Y));
        largest.Y = Ptx.Max(Ptx.Max(largest.Y, Ptx.Max(c.C0.Z, c.C0.W)), Ptx.Max(c.C1.Z, c.C1.W));
        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Add(Float4 sum, Rows16 c)
    {
        sum.X += c.C0.X + c.C0.Y + (c.C1.X + c.C1.Y);
        sum.Y += c.C0.Z + c.C0.W + (c.C1.Z + c.C1.W);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows16 AddToRows(Rows16 c, Float4 ofRows) =>
        new() { C0 = Add(c.C0, ofRows.X, ofRows.Y), C1 = Add(c.C1, ofRows.X, ofRows.Y) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Add(Sums c, float upper, float lower) =>
        new() { X = c.X + upper, Y = c.Y + upper, Z = c.Z + lower, W = c.W + lower };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows16 Exp2(Rows16 c, Float4 shift) =>
        new() { C0 = Exp2(c.C0, shift.X, shift.Y), C1 = Exp2(c.C1, shift.X, shift.Y) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Exp2(Sums c, float upper, float lower) => new()
    {
        X = Ptx.Exp2(c.X + upper),
        Y = Ptx.Exp2(c.Y + upper),
        Z = Ptx.Exp2(c.Z + lower),
        W = Ptx.Exp2(c.W + lower),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows16 Scale(Rows16 c, Float4 factor) =>
        new() { C0 = Scale(c.C0, factor.X, factor.Y), C1 = Scale(c.C1, factor.X, factor.Y) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Scale(Sums c, float upper, float lower) =>
        new() { X = c.X * upper, Y = c.Y * upper, Z = c.Z * lower, W = c.W * lower };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows16 Mask(Rows16 c, int left) => new() { C0 = Mask(c.C0, left), C1 = Mask(c.C1, left - 8) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Mask(Sums c, int left) => new()
    {
        X = left > 0 ? c.X : float.NegativeInfinity,
        Y = left > 1 ? c.Y : float.NegativeInfinity,
        Z = left > 0 ? c.Z : float.NegativeInfinity,
        W = left > 1 ? c.W : float.NegativeInfinity,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad BFloat16Operand(Rows16 c) => new()
    {
        X = Ptx.ToBFloat16Pair(c.C0.X, c.C0.Y),
        Y = Ptx.ToBFloat16Pair(c.C0.Z, c.C0.W),
        Z = Ptx.ToBFloat16Pair(c.C1.X, c.C1.Y),
        W = Ptx.ToBFloat16Pair(c.C1.Z, c.C1.W),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Tf32Operand(Rows16 c, bool right)
    {
        Sums tile = right ? c.C1 : c.C0;
        return new Quad
        {
            X = Ptx.ToTf32(Ptx.AsBits(tile.X)),
            Y = Ptx.ToTf32(Ptx.AsBits(tile.Z)),
            Z = Ptx.ToTf32(Ptx.AsBits(tile.Y)),
            W = Ptx.ToTf32(Ptx.AsBits(tile.W)),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows16 LoadOwn(SharedBytes shared, uint at, uint between) =>
        new() { C0 = Load(shared, at), C1 = Load(shared, at + between) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows16 Gather(
        SharedBytes shared, KeyPlaces first, KeyPlaces second, KeyPlaces third, KeyPlaces fourth, uint eightRows) =>
        new()
        {
            C0 = Gather(shared, first, second, eightRows),
            C1 = Gather(shared, third, fourth, eightRows),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Gather(SharedBytes shared, KeyPlaces left, KeyPlaces right, uint eightRows) => new()
    {
        X = Gather(shared, left, 0),
        Y = Gather(shared, right, 0),
        Z = Gather(shared, left, eightRows),
        W = Gather(shared, right, eightRows),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Gather(SharedBytes shared, KeyPlaces key, uint rows) =>
        Ptx.AsFloat(shared.Load(key.OfRow + rows)) + Ptx.AsFloat(shared.Load(key.OfColumn + rows));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Load(SharedBytes shared, uint at)
    {
        Float4 four = shared.Load4(at);
        return new Sums { X = four.X, Y = four.Y, Z = four.Z, W = four.W };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(SharedBytes shared, Rows16 c, int set, int sixteen)
    {
        Ptx.PutSums(shared, FlashWarpgroups.Columns, set, 2 * sixteen, c.C0);
        Ptx.PutSums(shared, FlashWarpgroups.Columns, set, 2 * sixteen + 1, c.C1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows16 Get(SharedBytes shared, int set, int sixteen) => new()
    {
        C0 = Ptx.GetSums(shared, FlashWarpgroups.Columns, set, 2 * sixteen),
        C1 = Ptx.GetSums(shared, FlashWarpgroups.Columns, set, 2 * sixteen + 1),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProducts(SharedBytes shared, Quad a, MatrixDescriptor b, bool turned, int set) =>
        Ptx.AddProduct(shared, FlashWarpgroups.Columns, a, b, turned, set);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Rows16 c, FourRows rows, int column, int columnsLeft)
    {
        if (rows.IsHalf != 0)
        {
            int bytes = column * sizeof(ushort);
            if (rows.X != 0) StoreHalves(rows.X + bytes, c.C0.X, c.C0.Y, c.C1.X, c.C1.Y, columnsLeft);
            if (rows.Y != 0) StoreHalves(rows.Y + bytes, c.C0.Z, c.C0.W, c.C1.Z, c.C1.W, columnsLeft);
        }
        else
        {
            int bytes = column * sizeof(float);
            if (rows.X != 0) Store((float*)(rows.X + bytes), c.C0.X, c.C0.Y, c.C1.X, c.C1.Y, columnsLeft);
            if (rows.Y != 0) Store((float*)(rows.Y + bytes), c.C0.Z, c.C0.W, c.C1.Z, c.C1.W, columnsLeft);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* row, float first, float second, float third, float fourth, int left)
    {
        if (left > 0) row[0] = first;
        if (left > 1) row[1] = second;
        if (left > 8) row[8] = third;
        if (left > 9) row[9] = fourth;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreHalves(long row, float first, float second, float third, float fourth, int left)
    {
        uint low = Ptx.ToBFloat16Pair(first, second), high = Ptx.ToBFloat16Pair(third, fourth);
        if (left > 9 & (row & 3) == 0)
        {
            *(uint*)row = low;
            *(uint*)(row + 16) = high;
        }
        else
        {
            if (left > 0) *(ushort*)row = (ushort)low;
            if (left > 1) *(ushort*)(row + 2) = (ushort)(low >> 16);
            if (left > 8) *(ushort*)(row + 16) = (ushort)high;
            if (left > 9) *(ushort*)(row + 18) = (ushort)(high >> 16);
        }
    }
}

/// <summary>Two left operands of 16 rows.</summary>
struct Quads
{
    public Quad Upper, Lower;
}

/// <summary>32 rows: each of B's fragments, once loaded, meets two of A's.</summary>
struct Rows32 : IRowSums<Rows32, Quads>
{
    public Rows16 Upper, Lower;

    public static int Rows => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads LoadOperand(long word, long furtherWord, int rowBytes, int rowsLeft) => new()
    {
        Upper = Rows16.LoadOperand(word, furtherWord, rowBytes, rowsLeft),
        Lower = Rows16.LoadOperand(word + 16 * rowBytes, furtherWord + 16 * rowBytes, rowBytes, rowsLeft - 16),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows32 Multiply<TFactors>(SharedBytes shared, Rows32 c, Quads a, Quad b)
        where TFactors : struct, IFlashFactors => new()
        {
            Upper = Rows16.Multiply<TFactors>(shared, c.Upper, a.Upper, b),
            Lower = Rows16.Multiply<TFactors>(shared, c.Lower, a.Lower, b),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Max(Float4 largest, Rows32 c) =>
        Joined(Rows16.Max(largest, c.Upper), Rows16.Max(OfLower(largest), c.Lower));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Add(Float4 sum, Rows32 c) =>
        Joined(Rows16.Add(sum, c.Upper), Rows16.Add(OfLower(sum), c.Lower));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows32 AddToRows(Rows32 c, Float4 ofRows) =>
        new() { Upper = Rows16.AddToRows(c.Upper, ofRows), Lower = Rows16.AddToRows(c.Lower, OfLower(ofRows)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows32 Exp2(Rows32 c, Float4 shift) =>
        new() { Upper = Rows16.Exp2(c.Upper, shift), Lower = Rows16.Exp2(c.Lower, OfLower(shift)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows32 Scale(Rows32 c, Float4 factor) =>
        new() { Upper = Rows16.Scale(c.Upper, factor), Lower = Rows16.Scale(c.Lower, OfLower(factor)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows32 Mask(Rows32 c, int left) =>
        new() { Upper = Rows16.Mask(c.Upper, left), Lower = Rows16.Mask(c.Lower, left) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads BFloat16Operand(Rows32 c) =>
        new() { Upper = Rows16.BFloat16Operand(c.Upper), Lower = Rows16.BFloat16Operand(c.Lower) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quads Tf32Operand(Rows32 c, bool right) =>
        new() { Upper = Rows16.Tf32Operand(c.Upper, right), Lower = Rows16.Tf32Operand(c.Lower, right) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows32 LoadOwn(SharedBytes shared, uint at, uint between) => new()
    {
        Upper = Rows16.LoadOwn(shared, at, between),
        Lower = Rows16.LoadOwn(shared, at + 2 * between, between),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows32 Gather(
        SharedBytes shared, KeyPlaces first, KeyPlaces second, KeyPlaces third, KeyPlaces fourth, uint eightRows) =>
        new()
        {
            Upper = Rows16.Gather(shared, first, second, third, fourth, eightRows),
            Lower = Rows16.Gather(
                shared, Further(first, 2 * eightRows), Further(second, 2 * eightRows), Further(third, 2 * eightRows),
                Further(fourth, 2 * eightRows), eightRows),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static KeyPlaces Further(KeyPlaces key, uint rows) =>
        new() { OfRow = key.OfRow + rows, OfColumn = key.OfColumn + rows };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(SharedBytes shared, Rows32 c, int set, int sixteen)
    {
        Rows16.Put(shared, c.Upper, set, sixteen);
        Rows16.Put(shared, c.Lower, set + 1, sixteen);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Rows32 Get(SharedBytes shared, int set, int sixteen) =>
        new() { Upper = Rows16.Get(shared, set, sixteen), Lower = Rows16.Get(shared, set + 1, sixteen) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProducts(SharedBytes shared, Quads a, MatrixDescriptor b, bool turned, int set)
    {
        Rows16.AddProducts(shared, a.Upper, b, turned, set);
        Rows16.AddProducts(shared, a.Lower, b, turned, set + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Rows32 c, FourRows rows, int column, int columnsLeft)
    {
        Rows16.Store(c.Upper, rows, column, columnsLeft);
        Rows16.Store(
            c.Lower, new FourRows { X = rows.Z, Y = rows.W, IsHalf = rows.IsHalf }, column, columnsLeft);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float4 OfLower(Float4 ofRows) => new(ofRows.Z, ofRows.W, 0, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float4 Joined(Float4 upper, Float4 lower) => new(upper.X, upper.Y, lower.X, lower.Y);
}
