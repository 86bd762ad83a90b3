using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// The dynamic shared memory of a block, addressed by byte. Inline PTX wants its 32-bit address, which ILGPU does not
/// give, but the symbol has a name. Offsets are multiples of the size of what is moved.
/// </summary>
struct SharedBytes
{
    /// <summary>
    /// What the emulator puts behind a block's own memory: here the lanes of a warp meet to exchange operands.
    /// </summary>
    public const int ScratchBytes = 8 * ScratchWords * sizeof(uint);

    const int ScratchWords = 6 * BlockReduce.WarpSize;

    uint _base;
    ArrayView<uint> _words;

    /// <summary>Address in the shared window, for inline PTX.</summary>
    public readonly uint Base => _base;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SharedBytes Dynamic()
    {
        var shared = new SharedBytes { _words = SharedMemory.GetDynamic<Quad>().Cast<uint>() };
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("mov.u32 %0, __dyn_shared_alloca;", out uint address);
            shared._base = address;
        }
        return shared;
    }

    /// <summary>The emulator's view of the 32-bit word at this offset.</summary>
    public readonly uint this[uint offset]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _words[(int)(offset / 4)];
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => _words[(int)(offset / 4)] = value;
    }

    /// <summary>The emulator's scratch of this thread's warp, as an offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint Scratch() =>
        (uint)(_words.IntLength - (Group.IdxX / BlockReduce.WarpSize + 1) * ScratchWords) * 4;

    /// <summary>
    /// Where the emulator keeps a set of so many sums of this thread's part of a warp group's product: before the
    /// scratch.
    /// </summary>
    public readonly uint Sums(int count, int set) => (uint)(
        _words.IntLength * sizeof(uint) - ScratchBytes
        - (set * Group.DimX + Group.IdxX + 1) * count * sizeof(float));

    /// <summary>Loads 4 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint Load(uint offset)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("ld.shared.u32 %0, [%1];", out uint value, _base + offset);
            return value;
        }
        return this[offset];
    }

    /// <summary>Loads 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Float4 Load4(uint offset)
    {
        if (CudaAsm.IsSupported)
        {
            Output<float> x = default, y = default, z = default, w = default;
            Input<uint> from = _base + offset;
            CudaAsm.EmitRef("ld.shared.v4.f32 {%0,%1,%2,%3}, [%4];", ref x, ref y, ref z, ref w, ref from);
            return new Float4(x.Value, y.Value, z.Value, w.Value);
        }
        return new Float4(
            Ptx.AsFloat(this[offset]), Ptx.AsFloat(this[offset + 4]), Ptx.AsFloat(this[offset + 8]),
            Ptx.AsFloat(this[offset + 12]));
    }

    /// <summary>Loads 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Quad LoadQuad(uint offset)
    {
        if (CudaAsm.IsSupported)
        {
            Output<uint> x = default, y = default, z = default, w = default;
            Input<uint> from = _base + offset;
            CudaAsm.EmitRef("ld.shared.v4.u32 {%0,%1,%2,%3}, [%4];", ref x, ref y, ref z, ref w, ref from);
            return new Quad { X = x.Value, Y = y.Value, Z = z.Value, W = w.Value };
        }
        return new Quad { X = this[offset], Y = this[offset + 4], Z = this[offset + 8], W = this[offset + 12] };
    }

    /// <summary>Stores 4 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(uint offset, float value)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("st.shared.f32 [%0], %1;", _base + offset, value);
            return;
        }
        _words[(int)(offset / 4)] = Ptx.AsBits(value);
    }

    /// <summary>Stores 8 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store2(uint offset, float x, float y)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("st.shared.v2.f32 [%0], {%1,%2};", _base + offset, x, y);
            return;
        }
        _words[(int)(offset / 4)] = Ptx.AsBits(x);
        _words[(int)(offset / 4) + 1] = Ptx.AsBits(y);
    }

    /// <summary>Stores 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store4(uint offset, Float4 value)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "st.shared.v4.f32 [%0], {%1,%2,%3,%4};", _base + offset, value.X, value.Y, value.Z, value.W);
            return;
        }
        _words[(int)(offset / 4)] = Ptx.AsBits(value.X);
        _words[(int)(offset / 4) + 1] = Ptx.AsBits(value.Y);
        _words[(int)(offset / 4) + 2] = Ptx.AsBits(value.Z);
        _words[(int)(offset / 4) + 3] = Ptx.AsBits(value.W);
    }
}
