using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// A lane's part of a 16 x 8 tile of sums; lane = 4 g + t holds columns 2t, 2t + 1 of row g (X, Y) and of row g + 8 (Z,
/// W).
/// </summary>
struct Sums
{
    public float X, Y, Z, W;
}

/// <summary>Four 32-bit words: a lane's part of four 8 x 8 matrices of 16-bit elements.</summary>
struct Quad
{
    public uint X, Y, Z, W;
}

/// <summary>
/// Tensor cores: a warp multiplies small matrices that are spread over its lanes (<see cref="Fragments"/>).
/// </summary>
static unsafe partial class Ptx
{
    /// <summary>
    /// c + A B for A of 16 x 16 and B of 16 x 8 bfloat16, in float32. The lower half of a word is the smaller k.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums MmaBFloat16(SharedBytes shared, Sums c, Quad a, uint b0, uint b1)
    {
        if (CudaAsm.IsSupported)
        {
            Ref<float> x = c.X, y = c.Y, z = c.Z, w = c.W;
            Input<uint> ax = a.X, ay = a.Y, az = a.Z, aw = a.W, bx = b0, by = b1;
            CudaAsm.EmitRef(
                "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                + "{%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};",
                ref x, ref y, ref z, ref w, ref ax, ref ay, ref az, ref aw, ref bx, ref by);
            return new Sums { X = x.Value, Y = y.Value, Z = z.Value, W = w.Value };
        }
        return EmulateBFloat16(shared, c, a, b0, b1);
    }

    /// <summary>
    /// c + A B for A of 16 x 8 and B of 8 x 8 bfloat16, in float32: <paramref name="upper"/> is word t of row g of A,
    /// <paramref name="lower"/> of row g + 8, <paramref name="b"/> of column g of B.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums MmaBFloat16(SharedBytes shared, Sums c, uint upper, uint lower, uint b)
    {
        if (CudaAsm.IsSupported)
        {
            Ref<float> x = c.X, y = c.Y, z = c.Z, w = c.W;
            Input<uint> ax = upper, ay = lower, bx = b;
            CudaAsm.EmitRef(
                "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5},{%6},{%0,%1,%2,%3};",
                ref x, ref y, ref z, ref w, ref ax, ref ay, ref bx);
            return new Sums { X = x.Value, Y = y.Value, Z = z.Value, W = w.Value };
        }
        return EmulateBFloat16(shared, c, new Quad { X = upper, Y = lower }, b, 0);
    }

    /// <summary>
    /// c + A B for A of 16 x 8 and B of 8 x 8 TF32, in float32; the 13 lowest bits of a factor do not count.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums MmaTf32(SharedBytes shared, Sums c, Quad a, uint b0, uint b1)
    {
        if (CudaAsm.IsSupported)
        {
            Ref<float> x = c.X, y = c.Y, z = c.Z, w = c.W;
            Input<uint> ax = a.X, ay = a.Y, az = a.Z, aw = a.W, bx = b0, by = b1;
            CudaAsm.EmitRef(
                "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};",
                ref x, ref y, ref z, ref w, ref ax, ref ay, ref az, ref aw, ref bx, ref by);
            return new Sums { X = x.Value, Y = y.Value, Z = z.Value, W = w.Value };
        }
        return EmulateTf32(shared, c, a, b0, b1);
    }

    /// <summary>
    /// Loads four 8 x 8 matrices of 16-bit elements. Lane i names row i % 8 of matrix i / 8: 16 bytes. Lane 4 g + t
    /// gets
    /// the word t of row g of each. Of 32-bit elements it loads 8 x 4.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad LoadMatrix(SharedBytes shared, uint offset)
    {
        if (CudaAsm.IsSupported)
        {
            Output<uint> x = default, y = default, z = default, w = default;
            Input<uint> from = shared.Base + offset;
            CudaAsm.EmitRef(
                "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];", ref x, ref y, ref z, ref w, ref from);
            return new Quad { X = x.Value, Y = y.Value, Z = z.Value, W = w.Value };
        }
        return EmulateLoad(shared, offset);
    }

    /// <summary>
    /// Loads four 8 x 8 matrices of 16-bit elements, transposed: lane 4 g + t gets rows 2t, 2t + 1 of column g of each.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad LoadMatrixTransposed(SharedBytes shared, uint offset)
    {
        if (CudaAsm.IsSupported)
        {
            Output<uint> x = default, y = default, z = default, w = default;
            Input<uint> from = shared.Base + offset;
            CudaAsm.EmitRef(
                "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];",
                ref x, ref y, ref z, ref w, ref from);
            return new Quad { X = x.Value, Y = y.Value, Z = z.Value, W = w.Value };
        }
        return EmulateTransposed(shared, offset);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static Sums EmulateBFloat16(SharedBytes shared, Sums c, Quad a, uint b0, uint b1)
    {
        uint scratch = Exchange(shared, a, b0, b1);
        for (uint source = 0; source < 8; source++)
        {
            uint upper = Upper(shared, scratch, source), lower = Lower(shared, scratch, source);
            uint left = Left(shared, scratch, source), right = Right(shared, scratch, source);
            c.X += LowBFloat16(upper) * LowBFloat16(left) + HighBFloat16(upper) * HighBFloat16(left);
            c.Y += LowBFloat16(upper) * LowBFloat16(right) + HighBFloat16(upper) * HighBFloat16(right);
            c.Z += LowBFloat16(lower) * LowBFloat16(left) + HighBFloat16(lower) * HighBFloat16(left);
            c.W += LowBFloat16(lower) * LowBFloat16(right) + HighBFloat16(lower) * HighBFloat16(right);
        }
        Warp.Barrier();
        return c;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static Sums EmulateTf32(SharedBytes shared, Sums c, Quad a, uint b0, uint b1)
    {
        uint scratch = Exchange(shared, a, b0, b1);
        for (uint source = 0; source < 8; source++)
        {
            float upper = Factor(Upper(shared, scratch, source)), lower = Factor(Lower(shared, scratch, source));
            float left = Factor(Left(shared, scratch, source)), right = Factor(Right(shared, scratch, source));
            c.X += upper * left;
            c.Y += upper * right;
            c.Z += lower * left;
            c.W += lower * right;
        }
        Warp.Barrier();
        return c;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static Quad EmulateLoad(SharedBytes shared, uint offset)
    {
        uint rows = Exchange(shared, offset), row = (uint)Warp.LaneIdx / 4, word = (uint)Warp.LaneIdx % 4 * 4;
        var quad = new Quad
        {
            X = shared[shared[rows + 4 * row] + word],
            Y = shared[shared[rows + 4 * (row + 8)] + word],
            Z = shared[shared[rows + 4 * (row + 16)] + word],
            W = shared[shared[rows + 4 * (row + 24)] + word],
        };
        Warp.Barrier();
        return quad;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static Quad EmulateTransposed(SharedBytes shared, uint offset)
    {
        uint rows = Exchange(shared, offset);
        var quad = new Quad
        {
            X = Column(shared, rows, 0),
            Y = Column(shared, rows, 8),
            Z = Column(shared, rows, 16),
            W = Column(shared, rows, 24),
        };
        Warp.Barrier();
        return quad;
    }

    /// <summary>Lays the lanes' operands out in the warp's scratch: six words a lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Exchange(SharedBytes shared, Quad a, uint b0, uint b1)
    {
        uint scratch = shared.Scratch(), mine = scratch + 24 * (uint)Warp.LaneIdx;
        shared[mine] = a.X;
        shared[mine + 4] = a.Y;
        shared[mine + 8] = a.Z;
        shared[mine + 12] = a.W;
        shared[mine + 16] = b0;
        shared[mine + 20] = b1;
        Warp.Barrier();
        return scratch;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Exchange(SharedBytes shared, uint word)
    {
        uint scratch = shared.Scratch();
        shared[scratch + 4 * (uint)Warp.LaneIdx] = word;
        Warp.Barrier();
        return scratch;
    }

    /// <summary>Word <paramref name="source"/> of this lane's row g of A: X of the row's four lanes, then Z.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Upper(SharedBytes shared, uint scratch, uint source) =>
        shared[scratch + 24 * ((uint)Warp.LaneIdx / 4 * 4 + source % 4) + source / 4 * 8];

    /// <summary>The same of row g + 8: Y, then W.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Lower(SharedBytes shared, uint scratch, uint source) =>
        shared[scratch + 24 * ((uint)Warp.LaneIdx / 4 * 4 + source % 4) + source / 4 * 8 + 4];

    /// <summary>The same of this lane's column 2t of B: b0 of the column's four lanes, then b1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Left(SharedBytes shared, uint scratch, uint source) =>
        shared[scratch + 24 * ((uint)Warp.LaneIdx % 4 * 8 + source % 4) + 16 + source / 4 * 4];

    /// <summary>The same of column 2t + 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Right(SharedBytes shared, uint scratch, uint source) =>
        shared[scratch + 24 * ((uint)Warp.LaneIdx % 4 * 8 + 4 + source % 4) + 16 + source / 4 * 4];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Factor(uint bits) => AsFloat(bits & 0xffffe000);

    /// <summary>
    /// Rows 2t and 2t + 1 of column g of the matrix whose rows begin at lane <paramref name="first"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Column(SharedBytes shared, uint rows, uint first)
    {
        uint g = (uint)Warp.LaneIdx / 4, t = (uint)Warp.LaneIdx % 4, shift = g % 2 * 16;
        uint low = shared[shared[rows + 4 * (first + 2 * t)] + g / 2 * 4] >> (int)shift;
        uint high = shared[shared[rows + 4 * (first + 2 * t + 1)] + g / 2 * 4] >> (int)shift;
        return low & 0xffff | high << 16;
    }
}
