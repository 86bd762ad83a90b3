using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Cfr.Kernels.Cuda;

static unsafe partial class Ptx
{
    /// <summary>Bit l: whether lane l says so. All lanes must come here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Ballot(bool mine)
    {
        int number = mine ? 1 : 0;
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "{ .reg .pred mine; setp.ne.s32 mine, %1, 0; vote.sync.ballot.b32 %0, mine, 0xffffffff; }",
                out uint votes, number);
            return votes;
        }
        int bits = number << (Group.IdxX & 31);
        bits |= Warp.ShuffleXor(bits, 16);
        bits |= Warp.ShuffleXor(bits, 8);
        bits |= Warp.ShuffleXor(bits, 4);
        bits |= Warp.ShuffleXor(bits, 2);
        return (uint)(bits | Warp.ShuffleXor(bits, 1));
    }
}
