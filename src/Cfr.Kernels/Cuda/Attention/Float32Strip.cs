using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>float32: nothing is rounded, and no tensor core takes part.</summary>
readonly struct Float32Tile : ITileElement
{
    public static int ElementBytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LanePlace OfSteps(int lane, int rowBytes) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Factors Round(Sums16x16 sums) => new() { First = Bits(sums.Left), Second = Bits(sums.Right) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Quad Bits(Sums sums) => new()
    {
        X = Ptx.AsBits(sums.X),
        Y = Ptx.AsBits(sums.Y),
        Z = Ptx.AsBits(sums.Z),
        W = Ptx.AsBits(sums.W),
    };
}

/// <summary>
/// The strips of tensor cores in float32 multiply-adds, with the logits in the same lanes: rows g and g + 8, columns 2t,
/// 2t + 1, 2t + 8, 2t + 9. Both factors come from shared memory: 12 loads of 16 bytes for 64 multiply-adds, 12 and 16
/// clocks a warp.
/// </summary>
struct Float32Rows<TSums> : IFactorStrip<Float32Rows<TSums>> where TSums : struct, IStrip
{
    public uint Tile;

    public static int Blocks => TSums.Blocks;

    public static bool AreHeld => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32Rows<TSums> Load(SharedBytes shared, LanePlace rows, uint tile, int block) =>
        new() { Tile = tile };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LogitSums AddProducts(
        SharedBytes shared, LogitSums sums, Float32Rows<TSums> ofS, Float32Rows<TSums> ofDp, LanePlace rows,
        LanePlace columns, uint tile, uint toOther, int block)
    {
        int lane = Group.IdxX & 31, rowBytes = Blocks * HeadTile.Strip * sizeof(float);
        uint eight = (uint)(8 * rowBytes);
        var own = new LanePlace(lane >> 2, 0, rowBytes);
        var even = new LanePlace((lane & 3) * 2, 0, rowBytes);
        var odd = new LanePlace((lane & 3) * 2 + 1, 0, rowBytes);
        for (int chunk = 0; chunk < rowBytes; chunk += 16)
        {
            uint ofOwn = LanePlace.At(own, chunk), ofEven = tile + LanePlace.At(even, chunk);
            uint ofOdd = tile + LanePlace.At(odd, chunk);
            sums = new LogitSums
            {
                S = Add(shared, sums.S, ofS.Tile + ofOwn, ofEven, ofOdd, eight),
                Dp = Add(shared, sums.Dp, ofDp.Tile + ofOwn, ofEven + toOther, ofOdd + toOther, eight),
            };
        }
        return sums;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums16x16 Add(SharedBytes shared, Sums16x16 c, uint own, uint even, uint odd, uint eight)
    {
        Float4 upper = shared.Load4(own), lower = shared.Load4(own + eight);
        return new Sums16x16
        {
            Left = Add(c.Left, upper, lower, shared.Load4(even), shared.Load4(odd)),
            Right = Add(c.Right, upper, lower, shared.Load4(even + eight), shared.Load4(odd + eight)),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Add(Sums c, Float4 upper, Float4 lower, Float4 even, Float4 odd) => new()
    {
        X = Dot(c.X, upper, even),
        Y = Dot(c.Y, upper, odd),
        Z = Dot(c.Z, lower, even),
        W = Dot(c.W, lower, odd),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Dot(float sum, Float4 a, Float4 b) => Ptx.MultiplyAdd(
        a.W, b.W, Ptx.MultiplyAdd(a.Z, b.Z, Ptx.MultiplyAdd(a.Y, b.Y, Ptx.MultiplyAdd(a.X, b.X, sum))));
}

/// <summary>
/// Sums of 16 columns in float32: a lane holds columns 4t .. 4t + 3 of rows g and g + 8. It asks the four lanes of its
/// rows for their factors one after another: 32 exchanges and 16 loads of 16 bytes for 128 multiply-adds.
/// </summary>
struct Float32Sums16 : ISumStrip<Float32Sums16>
{
    public Float4 Upper, Lower;

    public static int Blocks => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32Sums16 AddAlongRows(
        SharedBytes shared, Float32Sums16 sums, Factors a, LanePlace steps, uint tile, int block, int rowBytes)
    {
        for (int source = 0; source < 4; source++)
        {
            FactorsOfLane of = FactorsOfLane.Of(a, source);
            int step = 2 * source;
            sums = Add(shared, sums, of.Upper.X, of.Lower.X, tile, step, block, rowBytes);
            sums = Add(shared, sums, of.Upper.Y, of.Lower.Y, tile, step + 1, block, rowBytes);
            sums = Add(shared, sums, of.Upper.Z, of.Lower.Z, tile, step + 8, block, rowBytes);
            sums = Add(shared, sums, of.Upper.W, of.Lower.W, tile, step + 9, block, rowBytes);
        }
        return sums;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32Sums16 Add(
        SharedBytes shared, Float32Sums16 sums, float upper, float lower, uint tile, int step, int block, int rowBytes)
    {
        Float4 row = shared.Load4(tile + PackedRows.Place(step, 4 * block + (Group.IdxX & 3), rowBytes));
        return new Float32Sums16
        {
            Upper = Float4.AddProduct(sums.Upper, upper, row),
            Lower = Float4.AddProduct(sums.Lower, lower, row),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32Sums16 sums, StripTarget target, float scale, int block)
    {
        int column = block * HeadTile.Strip + (Group.IdxX & 3) * 4;
        StripTarget.Store(
            target, new Sums { X = sums.Upper.X, Y = sums.Upper.Y, Z = sums.Lower.X, W = sums.Lower.Y }, scale, column);
        StripTarget.Store(
            target, new Sums { X = sums.Upper.Z, Y = sums.Upper.W, Z = sums.Lower.Z, W = sums.Lower.W }, scale,
            column + 2);
    }
}

/// <summary>Of 32 columns: the exchanges serve twice as many multiply-adds.</summary>
struct Float32Sums32 : ISumStrip<Float32Sums32>
{
    public Float32Sums16 Left, Right;

    public static int Blocks => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float32Sums32 AddAlongRows(
        SharedBytes shared, Float32Sums32 sums, Factors a, LanePlace steps, uint tile, int block, int rowBytes)
    {
        for (int source = 0; source < 4; source++)
        {
            FactorsOfLane of = FactorsOfLane.Of(a, source);
            int step = 2 * source;
            sums = Add(shared, sums, of.Upper.X, of.Lower.X, tile, step, block, rowBytes);
            sums = Add(shared, sums, of.Upper.Y, of.Lower.Y, tile, step + 1, block, rowBytes);
            sums = Add(shared, sums, of.Upper.Z, of.Lower.Z, tile, step + 8, block, rowBytes);
            sums = Add(shared, sums, of.Upper.W, of.Lower.W, tile, step + 9, block, rowBytes);
        }
        return sums;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float32Sums32 Add(
        SharedBytes shared, Float32Sums32 sums, float upper, float lower, uint tile, int step, int block,
        int rowBytes) => new()
        {
            Left = Float32Sums16.Add(shared, sums.Left, upper, lower, tile, step, block, rowBytes),
            Right = Float32Sums16.Add(shared, sums.Right, upper, lower, tile, step, block + 1, rowBytes),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32Sums32 sums, StripTarget target, float scale, int block)
    {
        Float32Sums16.Store(sums.Left, target, scale, block);
        Float32Sums16.Store(sums.Right, target, scale, block + 1);
    }
}

/// <summary>What one of the four lanes of a row holds of it: columns 2t, 2t + 1, 2t + 8, 2t + 9.</summary>
struct FactorsOfLane
{
    public Float4 Upper, Lower;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FactorsOfLane Of(Factors a, int source)
    {
        int lane = (Group.IdxX & 28) + source;
        return new FactorsOfLane
        {
            Upper = new Float4(
                From(a.First.X, lane), From(a.First.Y, lane), From(a.Second.X, lane), From(a.Second.Y, lane)),
            Lower = new Float4(
                From(a.First.Z, lane), From(a.First.W, lane), From(a.Second.Z, lane), From(a.Second.W, lane)),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float From(uint bits, int lane) => Warp.Shuffle(Ptx.AsFloat(bits), lane);
}
