using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>Where a lane finds its part of a slice in shared memory.</summary>
struct SlicePlace
{
    public uint X, Dy;

    /// <summary>From four voxels of a patch to the next four, in bytes.</summary>
    public uint PatchX, PatchDy;

    /// <summary>From eight channels to the next eight.</summary>
    public uint PlaneX, PlaneDy;

    /// <summary>From slice to slice of dy.</summary>
    public uint SliceDy;
}

/// <summary>
/// How a warp adds a patch of a slice of x (row r along H) to its nine taps: <c>sums[kh, kw] += x[r, w + kw] dy[r -
/// kh, w]</c>, summed over the 16 voxels of the patch.
/// </summary>
interface IGradientProduct<TState> where TState : unmanaged
{
    /// <summary>Slices of dy before the first of a stage that the stage holds as well.</summary>
    static abstract int EarlierSlices { get; }

    /// <summary>What a lane adds to the place of its patch of x, and of dy.</summary>
    static abstract uint LaneOfX(int lane);

    static abstract uint LaneOfDy(int lane, uint plane);

    /// <summary>The first column of a lane's sums, and how far behind the second pair of columns is.</summary>
    static abstract int Column(int lane);

    static abstract int Between { get; }

    /// <summary>Forgets rows of dy: a new run along H begins.</summary>
    static abstract TState Restart(TState state);

    static abstract TState Slice(SharedBytes shared, TState state, SlicePlace place);

    static abstract NineTaps Sums(TState state);
}

/// <summary>
/// 16 channels of 16 voxels, as a factor of tensor cores. Shared memory holds float32, eight channels of a voxel side
/// by side: lane (g, t) loads channels g and g + 8 of the voxels t of each of the patch's four lines, 32 neighbouring
/// words a load and so without conflicts, whichever tap it is. In which order the sum takes voxels is free, so they are not
/// sorted; both operands just agree.
/// </summary>
interface IVoxelFragment<TSelf> where TSelf : unmanaged, IVoxelFragment<TSelf>
{
    static abstract TSelf Load(SharedBytes shared, uint place, uint patch, uint plane);

    /// <summary>sums + x^T dy</summary>
    static abstract TapSums Multiply(SharedBytes shared, TapSums sums, TSelf x, TSelf dy);
}

/// <summary>bfloat16, rounded in pairs of voxels: lines 0 and 1 of the patch, lines 2 and 3.</summary>
struct BFloat16Voxels : IVoxelFragment<BFloat16Voxels>
{
    Quad _pairs;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BFloat16Voxels Load(SharedBytes shared, uint place, uint patch, uint plane) => new()
    {
        _pairs = new Quad
        {
            X = Pair(shared, place, patch),
            Y = Pair(shared, place + plane, patch),
            Z = Pair(shared, place + 2 * patch, patch),
            W = Pair(shared, place + 2 * patch + plane, patch),
        },
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TapSums Multiply(SharedBytes shared, TapSums sums, BFloat16Voxels x, BFloat16Voxels dy) => new()
    {
        Left = Ptx.MmaBFloat16(shared, sums.Left, x._pairs, dy._pairs.X, dy._pairs.Z),
        Right = Ptx.MmaBFloat16(shared, sums.Right, x._pairs, dy._pairs.Y, dy._pairs.W),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Pair(SharedBytes shared, uint place, uint patch) =>
        Ptx.ToBFloat16Pair(Ptx.AsFloat(shared.Load(place)), Ptx.AsFloat(shared.Load(place + patch)));
}

/// <summary>TF32: an mma for lines 0 and 1 of the patch, one for lines 2 and 3.</summary>
struct Tf32Voxels : IVoxelFragment<Tf32Voxels>
{
    Quad _first, _second;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Tf32Voxels Load(SharedBytes shared, uint place, uint patch, uint plane) => new()
    {
        _first = Lines(shared, place, patch, plane),
        _second = Lines(shared, place + 2 * patch, patch, plane),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TapSums Multiply(SharedBytes shared, TapSums sums, Tf32Voxels x, Tf32Voxels dy)
    {
        sums = Multiply(shared, sums, x._first, dy._first);
        return Multiply(shared, sums, x._second, dy._second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TapSums Multiply(SharedBytes shared, TapSums sums, Quad x, Quad dy) => new()
    {
        Left = Ptx.MmaTf32(shared, sums.Left, x, dy.X, dy.Z),
        Right = Ptx.MmaTf32(shared, sums.Right, x, dy.Y, dy.W),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Quad Lines(SharedBytes shared, uint place, uint patch, uint plane) => new()
    {
        X = Ptx.ToTf32(shared.Load(place)),
        Y = Ptx.ToTf32(shared.Load(place + plane)),
        Z = Ptx.ToTf32(shared.Load(place + patch)),
        W = Ptx.ToTf32(shared.Load(place + patch + plane)),
    };
}

/// <summary>Sums, and the two rows of dy before this one as fragments.</summary>
struct TensorGradientState<TFragment> where TFragment : unmanaged
{
    public NineTaps Sums;
    public TFragment Last, BeforeLast;
}

/// <summary>
/// On tensor cores. A fragment of x at offset kw meets the dy of its own row and of the two rows before, which stay in
/// registers: four fragments loaded for nine taps.
/// <code>
///   bfloat16, a patch: 32 words loaded, 18 mma: 32 clocks of shared memory, 29 of mma.sync at 0.62 of the peak
///   TF32:              32 words loaded, 36 mma: 32 and 58
/// </code>
/// </summary>
readonly struct TensorGradient<TFragment> : IGradientProduct<TensorGradientState<TFragment>>
    where TFragment : unmanaged, IVoxelFragment<TFragment>
{
    public static int EarlierSlices => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LaneOfX(int lane) => (uint)((lane & 3) * VolumeGradient.VoxelBytes + (lane >> 2) * 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LaneOfDy(int lane, uint plane) => LaneOfX(lane);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Column(int lane) => (lane & 3) * 2;

    public static int Between => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TensorGradientState<TFragment> Restart(TensorGradientState<TFragment> state) =>
        new() { Sums = state.Sums };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TensorGradientState<TFragment> Slice(
        SharedBytes shared, TensorGradientState<TFragment> state, SlicePlace place)
    {
        NineTaps sums = state.Sums;
        TFragment dy = TFragment.Load(shared, place.Dy, place.PatchDy, place.PlaneDy);
        TFragment x = TFragment.Load(shared, place.X, place.PatchX, place.PlaneX);
        sums.T00 = TFragment.Multiply(shared, sums.T00, x, dy);
        sums.T10 = TFragment.Multiply(shared, sums.T10, x, state.Last);
        sums.T20 = TFragment.Multiply(shared, sums.T20, x, state.BeforeLast);
        x = TFragment.Load(shared, place.X + VolumeGradient.VoxelBytes, place.PatchX, place.PlaneX);
        sums.T01 = TFragment.Multiply(shared, sums.T01, x, dy);
        sums.T11 = TFragment.Multiply(shared, sums.T11, x, state.Last);
        sums.T21 = TFragment.Multiply(shared, sums.T21, x, state.BeforeLast);
        x = TFragment.Load(shared, place.X + 2 * VolumeGradient.VoxelBytes, place.PatchX, place.PlaneX);
        sums.T02 = TFragment.Multiply(shared, sums.T02, x, dy);
        sums.T12 = TFragment.Multiply(shared, sums.T12, x, state.Last);
        sums.T22 = TFragment.Multiply(shared, sums.T22, x, state.BeforeLast);
        return new TensorGradientState<TFragment> { Sums = sums, Last = dy, BeforeLast = state.Last };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NineTaps Sums(TensorGradientState<TFragment> state) => state.Sums;
}

/// <summary>
/// In float32, voxel by voxel: a lane loads two channels of x at three offsets and four channels of three rows of dy,
/// 9 loads for 72 multiply-adds.
/// </summary>
readonly struct RegisterGradient : IGradientProduct<NineTaps>
{
    public static int EarlierSlices => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LaneOfX(int lane) => (uint)(lane >> 2) * 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LaneOfDy(int lane, uint plane) => (uint)(lane >> 1 & 1) * plane + (uint)(lane & 1) * 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Column(int lane) => (lane & 3) * 4;

    public static int Between => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NineTaps Restart(NineTaps state) => state;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NineTaps Slice(SharedBytes shared, NineTaps sums, SlicePlace place)
    {
        uint line = place.X, dyLine = place.Dy;
        for (int i = 0; i < 4; i++, line += place.PatchX, dyLine += place.PatchDy)
        {
            uint x = line, dy = dyLine;
            for (int voxel = 0; voxel < 4; voxel++, x += VolumeGradient.VoxelBytes, dy += VolumeGradient.VoxelBytes)
            {
                Float4 dy2 = shared.Load4(dy), dy1 = shared.Load4(dy + place.SliceDy);
                Float4 dy0 = shared.Load4(dy + 2 * place.SliceDy);
                uint x1 = x + VolumeGradient.VoxelBytes, x2 = x + 2 * VolumeGradient.VoxelBytes;
                float upper = Ptx.AsFloat(shared.Load(x)), lower = Ptx.AsFloat(shared.Load(x + place.PlaneX));
                sums.T00 = Add(sums.T00, upper, lower, dy0);
                sums.T10 = Add(sums.T10, upper, lower, dy1);
                sums.T20 = Add(sums.T20, upper, lower, dy2);
                (upper, lower) = (Ptx.AsFloat(shared.Load(x1)), Ptx.AsFloat(shared.Load(x1 + place.PlaneX)));
                sums.T01 = Add(sums.T01, upper, lower, dy0);
                sums.T11 = Add(sums.T11, upper, lower, dy1);
                sums.T21 = Add(sums.T21, upper, lower, dy2);
                (upper, lower) = (Ptx.AsFloat(shared.Load(x2)), Ptx.AsFloat(shared.Load(x2 + place.PlaneX)));
                sums.T02 = Add(sums.T02, upper, lower, dy0);
                sums.T12 = Add(sums.T12, upper, lower, dy1);
                sums.T22 = Add(sums.T22, upper, lower, dy2);
            }
        }
        return sums;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NineTaps Sums(NineTaps state) => state;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TapSums Add(TapSums sums, float upper, float lower, Float4 dy) => new()
    {
        Left = Add(sums.Left, upper, lower, dy.X, dy.Y),
        Right = Add(sums.Right, upper, lower, dy.Z, dy.W),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Add(Sums sums, float upper, float lower, float left, float right) => new()
    {
        X = Ptx.MultiplyAdd(upper, left, sums.X),
        Y = Ptx.MultiplyAdd(upper, right, sums.Y),
        Z = Ptx.MultiplyAdd(lower, left, sums.Z),
        W = Ptx.MultiplyAdd(lower, right, sums.W),
    };
}
