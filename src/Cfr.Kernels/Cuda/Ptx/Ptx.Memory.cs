using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace Cfr.Kernels.Cuda;

/// <summary>Four floats that move as one 16-byte transaction.</summary>
[StructLayout(LayoutKind.Sequential)]
partial struct Float4
{
    public float X, Y, Z, W;

    public Float4(float x, float y, float z, float w) => (X, Y, Z, W) = (x, y, z, w);
}

/// <summary>
/// One method per PTX instruction, each with a C# body that means the same, so that every kernel also runs in ILGPU's
/// emulator. Fragments go in and out by value: a <c>ref</c> to a field pins the whole struct in local memory. Addresses
/// are numbers: ILGPU makes pointers of numbers, but no numbers of pointers.
/// </summary>
static unsafe partial class Ptx
{
    /// <summary>Loads 16 bytes; the address is a multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Load4(long address)
    {
        if (CudaAsm.IsSupported)
        {
            Output<float> x = default, y = default, z = default, w = default;
            Input<long> from = address;
            CudaAsm.EmitRef("ld.global.v4.f32 {%0,%1,%2,%3}, [%4];", ref x, ref y, ref z, ref w, ref from);
            return new Float4(x.Value, y.Value, z.Value, w.Value);
        }
        float* source = (float*)address;
        return new Float4(source[0], source[1], source[2], source[3]);
    }

    /// <summary>Stores 16 bytes; the address is a multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store4(long address, Float4 value)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("st.global.v4.f32 [%0], {%1,%2,%3,%4};", address, value.X, value.Y, value.Z, value.W);
            return;
        }
        float* target = (float*)address;
        target[0] = value.X;
        target[1] = value.Y;
        target[2] = value.Z;
        target[3] = value.W;
    }

    /// <summary>
    /// Loads 16 bytes, or zeros without touching the address: one instruction under a predicate, so that loads which
    /// follow each other do not wait for each other.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Load4OrZeros(long address, bool isThere)
    {
        if (CudaAsm.IsSupported)
        {
            Output<float> x = default, y = default, z = default, w = default;
            Input<long> from = address;
            Input<int> flag = isThere ? 1 : 0;
            CudaAsm.EmitRef(
                "{ .reg .pred there; setp.ne.s32 there, %5, 0; mov.f32 %0, 0f00000000; mov.f32 %1, 0f00000000; "
                + "mov.f32 %2, 0f00000000; mov.f32 %3, 0f00000000; "
                + "@there ld.global.v4.f32 {%0,%1,%2,%3}, [%4]; }",
                ref x, ref y, ref z, ref w, ref from, ref flag);
            return new Float4(x.Value, y.Value, z.Value, w.Value);
        }
        return isThere ? Load4(address) : default;
    }

    /// <summary>Loads 4 bytes, or zero without touching the address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOrZero(long address, bool isThere)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "{ .reg .pred there; setp.ne.s32 there, %2, 0; mov.f32 %0, 0f00000000; "
                + "@there ld.global.f32 %0, [%1]; }",
                out float value, address, isThere ? 1 : 0);
            return value;
        }
        return isThere ? *(float*)address : 0;
    }

    /// <summary>Stores 8 bytes; the address is a multiple of 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store2(long address, float x, float y)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("st.global.v2.f32 [%0], {%1,%2};", address, x, y);
            return;
        }
        ((float*)address)[0] = x;
        ((float*)address)[1] = y;
    }
}
