using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="GatherKernel"/>.</summary>
struct GatherArguments
{
    public long Table, Index, Y, Fault;

    /// <summary>Rows of y.</summary>
    public RowPieces Rows;
    public int TableRows;
}

/// <summary>
/// y[i, :] = table[index[i], :]. Bound by memory: 8 bytes an element and 4 an index. An index outside the table is
/// reported, and its row is zeros.
/// </summary>
static unsafe class GatherKernel
{
    public static void Run<P>(GatherArguments a) where P : struct, IPacket<P>
    {
        int* index = (int*)a.Index, fault = (int*)a.Fault;
        int bytes = sizeof(float) * P.Floats;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        int lanes = 1 << a.Rows.LanesLog2, lane = thread & (lanes - 1);
        for (int item = thread >> a.Rows.LanesLog2; item < a.Rows.Items; item += threads >> a.Rows.LanesLog2)
        {
            int row = item / a.Rows.Pieces;
            int begin = (item - row * a.Rows.Pieces.Value) * RowPieces.PerLane * lanes + lane;
            int end = Ptx.Min(begin + RowPieces.PerLane * lanes, a.Rows.Columns);
            int from = index[row];
            long source = a.Table + bytes * ((long)from * a.Rows.Columns);
            long target = a.Y + bytes * ((long)row * a.Rows.Columns);
            bool exists = (uint)from < (uint)a.TableRows;
            if (!exists && begin == 0)
            {
                fault[1] = from;
                fault[2] = a.TableRows;
                fault[0] = 1;
            }
            for (int column = begin; column < end; column += lanes)
            {
                P value = default;
                if (exists) value = P.Load(source + bytes * column);
                value.Store(target + bytes * column);
            }
        }
    }
}
