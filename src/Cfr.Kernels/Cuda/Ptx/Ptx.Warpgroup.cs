using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Products of warp groups (<c>wgmma</c>, Hopper alone): four warps multiply 64 lines of A by the lines of B, 16 steps
/// at once, both read from shared memory by the tensor cores themselves, while the threads go on. The sums are up to
/// 128 registers a thread, more than inline PTX has operands: they have names, in sets, which
/// <see cref="Compile.WarpgroupSums"/> writes. Of a product's lines thread t of warp w has rows 16 w + t / 4 and 8
/// further, and in them columns 8 j + 2 (t % 4) and the next.
/// </summary>
static unsafe partial class Ptx
{
    /// <summary>Threads of a warp group, and lines of A that it multiplies.</summary>
    public const int WarpgroupThreads = 128, WarpgroupRows = 64;

    /// <summary>Sums of zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ClearSums(SharedBytes shared, int columns, int set = 0)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("warpgroup.clear %0, %1;", columns, set);
            return;
        }
        uint sums = shared.Sums(columns / 2, set);
        for (uint i = 0; i < columns / 2; i++) shared[sums + 4 * i] = 0;
    }

    /// <summary>
    /// Begins adding A B^T of bfloat16 to the sums; turned operands lie with their lines side by side. Columns, set and
    /// turns are constants.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(
        SharedBytes shared, int columns, MatrixDescriptor a, bool turnedA, MatrixDescriptor b, bool turnedB, int set = 0)
    {
        if (CudaAsm.IsSupported)
        {
            int turns = turnedA ? turnedB ? 3 : 1 : turnedB ? 2 : 0;
            CudaAsm.Emit(
                "warpgroup.multiply %0, %1, %2, %3, %4, %5, %6;", columns, set, turns, a.Low, a.High, b.Low, b.High);
            return;
        }
        EmulateAddProduct(shared, columns, set, a, turnedA, b, turnedB);
    }

    /// <summary>The same with A's 16 rows of each warp in its registers, as a fragment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(
        SharedBytes shared, int columns, Quad a, MatrixDescriptor b, bool turnedB, int set = 0)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "warpgroup.multiplyrows %0, %1, %2, %3, %4, %5, %6, %7, %8;", columns, set, turnedB ? 2 : 0, a.X, a.Y, a.Z,
                a.W, b.Low, b.High);
            return;
        }
        EmulateAddProduct(shared, columns, set, a, b, turnedB);
    }

    /// <summary>Sets a thread's sums of columns 8 i to 8 i + 7, in the order of a fragment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PutSums(SharedBytes shared, int columns, int set, int i, Sums sums)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "warpgroup.put %0, %1, %2, %3, %4, %5, %6;", columns, set, i, sums.X, sums.Y, sums.Z, sums.W);
            return;
        }
        uint at = shared.Sums(columns / 2, set) + (uint)(16 * i);
        shared[at] = AsBits(sums.X);
        shared[at + 4] = AsBits(sums.Y);
        shared[at + 8] = AsBits(sums.Z);
        shared[at + 12] = AsBits(sums.W);
    }

    /// <summary>A thread's sums of columns 8 i to 8 i + 7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums GetSums(SharedBytes shared, int columns, int set, int i)
    {
        if (CudaAsm.IsSupported)
        {
            Output<float> x = default, y = default, z = default, w = default;
            Input<int> ofColumns = columns, ofSet = set, index = i;
            CudaAsm.EmitRef(
                "warpgroup.get %0, %1, %2, %3, %4, %5, %6;", ref ofColumns, ref ofSet, ref index, ref x, ref y, ref z,
                ref w);
            return new Sums { X = x.Value, Y = y.Value, Z = z.Value, W = w.Value };
        }
        uint at = shared.Sums(columns / 2, set) + (uint)(16 * i);
        return new Sums
        {
            X = AsFloat(shared[at]),
            Y = AsFloat(shared[at + 4]),
            Z = AsFloat(shared[at + 8]),
            W = AsFloat(shared[at + 12]),
        };
    }

    /// <summary>Before the first product that reads sums which the threads have written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void BeginProducts()
    {
        if (CudaAsm.IsSupported) CudaAsm.Emit("wgmma.fence.sync.aligned;");
    }

    /// <summary>Closes the group of products since the last call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CommitProducts()
    {
        if (CudaAsm.IsSupported) CudaAsm.Emit("wgmma.commit_group.sync.aligned;");
    }

    /// <summary>Waits for all groups of products but the newest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForProductsButOne()
    {
        if (CudaAsm.IsSupported) CudaAsm.Emit("wgmma.wait_group.sync.aligned 1;");
    }

    /// <summary>Waits for all products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForProducts()
    {
        if (CudaAsm.IsSupported) CudaAsm.Emit("wgmma.wait_group.sync.aligned 0;");
    }

    /// <summary>
    /// Lets tensor cores see what this thread wrote to shared memory, or copied there, once a barrier has followed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ShowToTensorCores()
    {
        if (CudaAsm.IsSupported) CudaAsm.Emit("fence.proxy.async.shared::cta;");
    }

    /// <summary>
    /// Stores the sums as rows of a tile in shared memory, permuted by <see cref="Swizzle.Sums"/>; the warp group's
    /// first row begins at this offset.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums(SharedBytes shared, int columns, uint offset, int set = 0)
    {
        int lane = Group.IdxX & 31, row = (Group.IdxX >> 5 & 3) * 16 + (lane >> 2);
        if (CudaAsm.IsSupported)
        {
            uint begin = shared.Base + offset + (uint)(row * columns * sizeof(float));
            uint inRow = (uint)((lane >> 2) * 32 + (lane & 3) * 8);
            CudaAsm.Emit("warpgroup.store %0, %1, %2, %3;", columns, set, begin, inRow);
            return;
        }
        EmulateStoreSums(shared, columns, set, offset, row, lane);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void EmulateAddProduct(
        SharedBytes shared, int columns, int set, MatrixDescriptor a, bool turnedA, MatrixDescriptor b, bool turnedB)
    {
        int lane = Group.IdxX & 31, row = (Group.IdxX >> 5 & 3) * 16 + (lane >> 2);
        uint sums = shared.Sums(columns / 2, set);
        for (int i = 0; i < columns / 2; i++)
        {
            int line = row + (i >> 1 & 1) * 8, column = (i >> 2) * 8 + (lane & 3) * 2 + (i & 1);
            float sum = AsFloat(shared[sums + 4 * (uint)i]);
            for (int step = 0; step < 16; step++)
                sum += Half(shared, a.Place(line, step, turnedA)) * Half(shared, b.Place(column, step, turnedB));
            shared[sums + 4 * (uint)i] = AsBits(sum);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void EmulateAddProduct(
        SharedBytes shared, int columns, int set, Quad a, MatrixDescriptor b, bool turnedB)
    {
        uint scratch = Exchange(shared, a, 0, 0), sums = shared.Sums(columns / 2, set);
        for (int i = 0; i < columns / 2; i++)
        {
            int column = (i >> 2) * 8 + (Group.IdxX & 3) * 2 + (i & 1);
            float sum = AsFloat(shared[sums + 4 * (uint)i]);
            for (uint source = 0; source < 8; source++)
            {
                uint pair = (i >> 1 & 1) == 0 ? Upper(shared, scratch, source) : Lower(shared, scratch, source);
                int step = 2 * (int)source;
                sum += LowBFloat16(pair) * Half(shared, b.Place(column, step, turnedB))
                    + HighBFloat16(pair) * Half(shared, b.Place(column, step + 1, turnedB));
            }
            shared[sums + 4 * (uint)i] = AsBits(sum);
        }
        Warp.Barrier();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void EmulateStoreSums(SharedBytes shared, int columns, int set, uint offset, int row, int lane)
    {
        uint sums = shared.Sums(columns / 2, set);
        for (int i = 0; i < columns / 2; i++)
        {
            int line = row + (i >> 1 & 1) * 8, column = (i >> 2) * 8 + (lane & 3) * 2 + (i & 1);
            shared[offset + Swizzle.Sums(line, column, columns * sizeof(float))] = shared[sums + 4 * (uint)i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Half(SharedBytes shared, uint place)
    {
        uint word = shared[place & ~3u];
        return (place & 2) == 0 ? LowBFloat16(word) : HighBFloat16(word);
    }
}
