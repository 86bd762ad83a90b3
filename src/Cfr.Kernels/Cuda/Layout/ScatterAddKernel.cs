using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="ScatterAddKernel"/>; columns in packets.</summary>
struct ScatterAddArguments
{
    public long Dy, Index, Table;

    /// <summary>Rows of dy.</summary>
    public int Rows;
    public int TableRows, Columns;

    /// <summary>Runs of 32 columns in a row.</summary>
    public Divisor Runs;
}

/// <summary>
/// dTable[index[i], :] += dy[i, :] in the order of i, without atomics: a warp owns 32 columns of a row of the table,
/// looks through all indices, 32 at a time, and adds the rows of dy that are its own. Reads TableRows x Runs x Rows
/// indices (from the caches) and each element of dy once: right for tables of positions and prompts, of up to some 10^4
/// rows.
/// </summary>
static unsafe class ScatterAddKernel
{
    const int LanesLog2 = 5;

    public const int Lanes = 1 << LanesLog2;

    public static void Run<P>(ScatterAddArguments a) where P : struct, IPacket<P>
    {
        int* index = (int*)a.Index;
        int bytes = sizeof(float) * P.Floats;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, lane = thread & Lanes - 1;
        int warps = Grid.DimX * Group.DimX >> LanesLog2;
        for (int item = thread >> LanesLog2; item < a.TableRows * a.Runs.Value; item += warps)
        {
            int row = item / a.Runs, column = Lanes * (item - row * a.Runs.Value) + lane;
            P sum = default;
            for (int first = 0; first < a.Rows; first += Lanes)
            {
                uint own = Ptx.Ballot(first + lane < a.Rows && index[first + lane] == row);
                for (; own != 0; own &= own - 1)
                {
                    int i = first + Ptx.LowestBit(own);
                    if (column < a.Columns) sum += P.Load(a.Dy + bytes * ((long)i * a.Columns + column));
                }
            }
            if (column < a.Columns) sum.Store(a.Table + bytes * ((long)row * a.Columns + column));
        }
    }
}
