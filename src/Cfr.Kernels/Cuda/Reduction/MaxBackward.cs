using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="MaxBackward"/>: dx is [Rows / Middle, Middle, Inner].</summary>
struct MaxBackwardArguments
{
    public long Dy, Index, Dx, Rows, Middle, Inner;
    public int Lanes;
}

/// <summary>
/// dx[o, m, i] = dy[o, i] where m = index[o, i], else 0: some lanes of a warp take a row (o, m) of dx. Writes 4 bytes
/// an element; dy and the indices come from the cache, as Middle rows share them.
/// </summary>
static unsafe class MaxBackward
{
    public static void Apply(MaxBackwardArguments a)
    {
        float* dy = (float*)a.Dy, dx = (float*)a.Dx;
        int* index = (int*)a.Index;
        int rank = Group.IdxX & (a.Lanes - 1), teamsOfBlock = Group.DimX / a.Lanes;
        long teams = Ptx.Hold((long)Grid.DimX * teamsOfBlock);
        long row = (long)Grid.IdxX * teamsOfBlock + Group.IdxX / a.Lanes;
        // From row to row, o and m follow by addition.
        long outer = row / a.Middle, m = row - outer * a.Middle;
        long outerStep = Ptx.Hold(teams / a.Middle), mStep = Ptx.Hold(teams - outerStep * a.Middle);
        for (; row < a.Rows; row += teams)
        {
            for (long i = rank; i < a.Inner; i += a.Lanes)
            {
                long at = outer * a.Inner + i;
                dx[row * a.Inner + i] = index[at] == m ? dy[at] : 0;
            }
            outer += outerStep;
            m += mStep;
            if (m < a.Middle) continue;
            m -= a.Middle;
            outer++;
        }
    }
}
