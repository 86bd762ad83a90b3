using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="OneChannelGradient"/>.</summary>
struct OneChannelGradientArguments
{
    public OneChannelTile Tile;
    public long X, Dy, Partials;

    public int TileCount, KernelW, Taps, Channels, LogLanes;

    /// <summary>Runs of four outputs along W of a tile, and rows of a plane of it.</summary>
    public Divisor Groups, RowsOfTile;

    /// <summary>Chunks of three taps along H and W.</summary>
    public Divisor ChunksH, ChunksW;

    /// <summary>1 where dy can be read, and partial sums stored, 16 bytes at a time.</summary>
    public int Packed;
}

/// <summary>Four output channels of three taps along W.</summary>
struct ThreeTapSums
{
    public Float4 T0, T1, T2;

    /// <summary>Adds four neighbouring voxels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ThreeTapSums Add(SharedBytes shared, ThreeTapSums sums, uint input, FourVoxels dy)
    {
        Float4 x = shared.Load4(input), y = shared.Load4(input + 16);
        return new ThreeTapSums
        {
            T0 = FourVoxels.Dot(sums.T0, dy, x.X, x.Y, x.Z, x.W),
            T1 = FourVoxels.Dot(sums.T1, dy, x.Y, x.Z, x.W, y.X),
            T2 = FourVoxels.Dot(sums.T2, dy, x.Z, x.W, y.X, y.Y),
        };
    }
}

/// <summary>Four output channels of the gradients at four neighbours along W.</summary>
struct FourVoxels
{
    public Float4 V0, V1, V2, V3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Dot(Float4 sum, FourVoxels dy, float x0, float x1, float x2, float x3) => Float4.AddProduct(
        Float4.AddProduct(Float4.AddProduct(Float4.AddProduct(sum, x0, dy.V0), x1, dy.V1), x2, dy.V2), x3, dy.V3);
}

/// <summary>The sums of nine rows of taps: kd 0 and kh 0, 1, 2; kd 1; kd 2.</summary>
struct NineRows
{
    public ThreeTapSums R0, R1, R2, R3, R4, R5, R6, R7, R8;
}

/// <summary>
/// The weight gradient of a convolution of one input channel, stride 1:
/// <code>dw[tap, m] = sum over voxels v of x[v + tap] dy[v, m]</code>
/// <c>4 + 4 Cout</c> bytes and <c>2 taps Cout</c> FLOP a voxel, as in <see cref="OneChannelForward"/>. A thread keeps 3
/// x 3 x 3 taps of 4 output channels, 108 sums, so that dy is read once and straight into registers.
/// <code>
///   4 voxels: 4 loads of dy, 18 of x from shared memory, 16 bytes each, for 432 multiply-adds
/// </code>
/// Blocks walk over tiles of x; larger kernels take several blocks a tile (grid y: chunks of 27 taps; grid z: runs of
/// 128 output channels). Each warp leaves its sums, <c>partials [pieces, taps, Cout]</c>, and a column sum adds them in
/// order.
/// </summary>
static class OneChannelGradient
{
    const int SharedBytes = 32 << 10, Voxels = 4, MostGroups = 32, TapsOfChunk = 3;
    const int DeepestTile = 4, HighestTile = 8;

    /// <summary>Blocks in all: three on each multiprocessor of a large GPU.</summary>
    const int WantedBlocks = 396;

    static readonly Kernel<OneChannelGradientArguments> Kernel = new("convolution_one_channel_weight_gradient", Run)
    {
        Threads = 128,
        SharedBytes = SharedBytes,
        BlocksPerMultiprocessor = 3,
    };

    /// <summary>Launches it if it takes this shape; returns whether it does.</summary>
    public static bool Launch(GpuDevice gpu, ConvolutionShape shape, View x, View dy, View dw)
    {
        if (shape.InChannels != 1 || shape.Stride != new Extent(1, 1, 1)) return false;
        var tile = new Extent(
            Math.Min(shape.Output.D, DeepestTile), Math.Min(shape.Output.H, HighestTile),
            Math.Min(Parts(shape.Output.W, Voxels), MostGroups) * Voxels);
        var box = new OneChannelTile(shape, tile, tile.W + Voxels);
        while (box.Bytes > SharedBytes && tile is not { D: 1, H: 1 })
        {
            tile = tile.D > 1 ? tile with { D = tile.D - 1 } : tile with { H = tile.H - 1 };
            box = new OneChannelTile(shape, tile, tile.W + Voxels);
        }
        if (box.Bytes > SharedBytes) return false;

        int quads = Parts(shape.OutChannels, 4), warps = gpu.BlockSize(Kernel) / BlockReduce.WarpSize;
        int lanes = (int)Math.Min(BlockReduce.WarpSize, BitOperations.RoundUpToPowerOf2((uint)quads));
        int chunksH = Parts(shape.Kernel.H, TapsOfChunk), chunksW = Parts(shape.Kernel.W, TapsOfChunk);
        int chunks = Parts(shape.Kernel.D, TapsOfChunk) * chunksH * chunksW, taps = checked((int)shape.Kernel.Voxels);
        int tiles = checked((int)(shape.Batch * box.TilesOf.Voxels)), blocks = Math.Min(tiles, WantedBlocks);
        long results = (long)taps * shape.OutChannels, pieces = (long)blocks * warps;
        DeviceBuffer partials = gpu.Pool.Rent(pieces * results * sizeof(float));
        gpu.Launch(
            Kernel,
            new OneChannelGradientArguments
            {
                Tile = box,
                X = x.Address,
                Dy = dy.Address,
                Partials = partials.Address,
                TileCount = tiles,
                KernelW = shape.Kernel.W,
                Taps = taps,
                Channels = shape.OutChannels,
                LogLanes = BitOperations.Log2((uint)lanes),
                Groups = new Divisor(tile.W / Voxels),
                RowsOfTile = new Divisor(tile.H),
                ChunksH = new Divisor(chunksH),
                ChunksW = new Divisor(chunksW),
                Packed = shape.OutChannels % 4 == 0 && dy.Address % 16 == 0 ? 1 : 0,
            },
            blocks, chunks, Parts(quads, lanes));
        gpu.Reduction.Sum(1, pieces, results, new View(partials.Address, pieces * results, DType.Float32), dw);
        partials.Release();
        return true;
    }

    static void Run(OneChannelGradientArguments a)
    {
        var shared = Cuda.SharedBytes.Dynamic();
        int lanes = 1 << a.LogLanes, lane = Group.IdxX & lanes - 1, quad = Grid.IdxZ * lanes + lane;
        int team = Group.IdxX >> a.LogLanes, teams = Group.DimX >> a.LogLanes;
        int channels = a.Channels - 4 * quad, items = a.Tile.TileD * a.RowsOfTile.Value * a.Groups.Value;
        int rowChunk = Grid.IdxY / a.ChunksW, planeChunk = rowChunk / a.ChunksH;
        int firstD = planeChunk * TapsOfChunk, firstH = (rowChunk - planeChunk * a.ChunksH.Value) * TapsOfChunk;
        int firstW = (Grid.IdxY - rowChunk * a.ChunksW.Value) * TapsOfChunk;
        int tapsD = a.Tile.KernelD - firstD, tapsH = a.Tile.KernelH - firstH, tapsW = a.KernelW - firstW;
        int rowBytes = a.Tile.RowFloats * 4, planeBytes = a.Tile.RowsOfPlane.Value * rowBytes;

        // Taps behind the last one repeat the first: what they sum is dropped.
        uint d1 = (uint)(tapsD > 1 ? planeBytes : 0), d2 = (uint)(tapsD > 2 ? 2 * planeBytes : 0);
        uint h1 = (uint)(tapsH > 1 ? rowBytes : 0), h2 = (uint)(tapsH > 2 ? 2 * rowBytes : 0);
        NineRows sums = default;
        for (int index = Grid.IdxX; index < a.TileCount; index += Grid.DimX)
        {
            VoxelPlace tile = VoxelGrid.Locate(a.Tile.Tiles, index);
            Group.Barrier();
            OneChannelTile.Fetch(shared, 0, a.Tile, a.X, tile, firstW);
            Ptx.WaitForCopies();
            Group.Barrier();
            for (int item = team; item < items; item += teams)
            {
                int row = item / a.Groups, plane = row / a.RowsOfTile;
                int rowOfPlane = row - plane * a.RowsOfTile.Value, run = item - row * a.Groups.Value;
                int d = tile.D * a.Tile.TileD + plane, h = tile.H * a.Tile.TileH + rowOfPlane;
                int w = tile.W * a.Tile.TileW + run * Voxels;
                int left = d < a.Tile.Output.D && h < a.Tile.Output.H ? a.Tile.Output.W - w : 0;
                long line = ((long)tile.Batch * a.Tile.Output.D + d) * a.Tile.Output.H + h;
                long at = a.Dy + (line * a.Tile.Output.W + w) * a.Channels * 4 + 16L * quad, next = 4L * a.Channels;
                if (left <= 0 || channels <= 0) continue;
                var dy = new FourVoxels
                {
                    V0 = Load(at, a.Packed, channels),
                    V1 = Load(at + next, a.Packed, left > 1 ? channels : 0),
                    V2 = Load(at + 2 * next, a.Packed, left > 2 ? channels : 0),
                    V3 = Load(at + 3 * next, a.Packed, left > 3 ? channels : 0),
                };
                uint input = (uint)((plane + firstD) * planeBytes + (rowOfPlane + firstH) * rowBytes + run * 16);
                sums = new NineRows
                {
                    R0 = ThreeTapSums.Add(shared, sums.R0, input, dy),
                    R1 = ThreeTapSums.Add(shared, sums.R1, input + h1, dy),
                    R2 = ThreeTapSums.Add(shared, sums.R2, input + h2, dy),
                    R3 = ThreeTapSums.Add(shared, sums.R3, input + d1, dy),
                    R4 = ThreeTapSums.Add(shared, sums.R4, input + d1 + h1, dy),
                    R5 = ThreeTapSums.Add(shared, sums.R5, input + d1 + h2, dy),
                    R6 = ThreeTapSums.Add(shared, sums.R6, input + d2, dy),
                    R7 = ThreeTapSums.Add(shared, sums.R7, input + d2 + h1, dy),
                    R8 = ThreeTapSums.Add(shared, sums.R8, input + d2 + h2, dy),
                };
            }
        }

        int piece = Grid.IdxX * (Group.DimX >> 5) + (Group.IdxX >> 5);
        int tap = (firstD * a.Tile.KernelH + firstH) * a.KernelW + firstW;
        long target = a.Partials + ((long)piece * a.Taps + tap) * a.Channels * 4 + 16L * quad;
        long row1 = (long)a.KernelW * a.Channels * 4, plane1 = a.Tile.KernelH * row1;
        if ((Group.IdxX & 31) >= lanes) tapsW = 0;
        Store(target, a, lanes, tapsW, channels, sums.R0);
        Store(target + row1, a, lanes, tapsH > 1 ? tapsW : 0, channels, sums.R1);
        Store(target + 2 * row1, a, lanes, tapsH > 2 ? tapsW : 0, channels, sums.R2);
        Store(target + plane1, a, lanes, tapsD > 1 ? tapsW : 0, channels, sums.R3);
        Store(target + plane1 + row1, a, lanes, tapsD > 1 & tapsH > 1 ? tapsW : 0, channels, sums.R4);
        Store(target + plane1 + 2 * row1, a, lanes, tapsD > 1 & tapsH > 2 ? tapsW : 0, channels, sums.R5);
        Store(target + 2 * plane1, a, lanes, tapsD > 2 ? tapsW : 0, channels, sums.R6);
        Store(target + 2 * plane1 + row1, a, lanes, tapsD > 2 & tapsH > 1 ? tapsW : 0, channels, sums.R7);
        Store(target + 2 * plane1 + 2 * row1, a, lanes, tapsD > 2 & tapsH > 2 ? tapsW : 0, channels, sums.R8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float4 Load(long address, int packed, int count)
    {
        if (packed != 0) return count > 0 ? Ptx.Load4(address) : default;
        FourLanes dy = ColumnPacket.LoadSome(address, count);
        return new(dy.X.Value, dy.Y.Value, dy.Z.Value, dy.W.Value);
    }

    /// <summary>Adds up what the lanes of a warp have of a row of taps, and stores it from the first ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(
        long target, OneChannelGradientArguments a, int lanes, int taps, int channels, ThreeTapSums sums)
    {
        Float4 t0 = AcrossTeams(sums.T0, lanes), t1 = AcrossTeams(sums.T1, lanes), t2 = AcrossTeams(sums.T2, lanes);
        long next = 4L * a.Channels;
        if (taps > 0) ColumnPacket.StoreSome(target, channels, new FourLanes(t0));
        if (taps > 1) ColumnPacket.StoreSome(target + next, channels, new FourLanes(t1));
        if (taps > 2) ColumnPacket.StoreSome(target + 2 * next, channels, new FourLanes(t2));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Float4 AcrossTeams(Float4 sum, int lanes)
    {
        for (int distance = lanes; distance < BlockReduce.WarpSize; distance *= 2)
        {
            sum = new Float4(
                sum.X + Warp.ShuffleXor(sum.X, distance), sum.Y + Warp.ShuffleXor(sum.Y, distance),
                sum.Z + Warp.ShuffleXor(sum.Z, distance), sum.W + Warp.ShuffleXor(sum.W, distance));
        }
        return sum;
    }

    static int Parts(int whole, int part) => (whole + part - 1) / part;
}
