using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="PositionGradients"/>.</summary>
struct PositionGradientArguments
{
    public TokenRows Q, Dq;

    /// <summary>Tables, and gradients of the logits that they make, as <see cref="RelativeLogits"/> lays them out.</summary>
    public long Height, Width, DRh, DRw;

    /// <summary>Of one table: [Batch, Heads, 2 Lines - 1, HeadWidth].</summary>
    public long DTable;
    public Divisor GridHeight, GridWidth, Queries, Heads;
    public WindowGrid Windows;

    /// <summary>Of one table: lines of the grid, and tokens from one to the next; tokens of a line, and from one to the next.</summary>
    public int LineStride, Positions, PositionStride;
    public Divisor Lines, TableRows;

    /// <summary>Packets of a row, and all that are to be made.</summary>
    public Divisor Packets;
    public int HeadWidth, Count;
}

/// <summary>
/// From the gradients of the logits of relative positions to those of queries and tables, in float32:
/// <code>
///   dq[(y, x)] += sum over ky of dRh[q, ky] Height[y - ky + GridHeight - 1] + the same of Width
///   dHeight[r]  = sum over heads, x and the y, ky with y - ky + GridHeight - 1 = r of dRh[(y, x), ky] q[(y, x)]
/// </code>
/// FLOP 2 HeadWidth (GridHeight + GridWidth) a query, each; a thread makes a packet of a row, of dq or of one head's
/// share of a table. Shares are added up in their order.
/// </summary>
static class PositionGradients
{
    static readonly Kernel<PositionGradientArguments>[] OfQueries =
    [
        new("attention_position_query_gradient", Query<Float1>),
        new("attention_position_query_gradient_packets", Query<Float4>),
    ];

    static readonly Kernel<PositionGradientArguments>[] OfTables =
    [
        new("attention_position_table_gradient", Table<Float1>),
        new("attention_position_table_gradient_packets", Table<Float4>),
    ];

    /// <summary>Adds to dq what comes from the tables, and makes the gradients of those that are wanted.</summary>
    public static void Add(
        GpuDevice gpu, AttentionShape shape, Tokens q, RelativePositions positions, View dRh, View dRw, Tokens dq,
        RelativePositions dPositions)
    {
        bool hasPackets = TokenRows.HavePackets(shape, DType.Float32, new(q), new(dq))
            && (positions.Height.Address | positions.Width.Address) % 16 == 0;
        int form = hasPackets ? 1 : 0, packets = shape.HeadWidth / (hasPackets ? 4 : 1);
        int heads = shape.Batch * shape.Heads;
        var arguments = new PositionGradientArguments
        {
            Q = new TokenRows(q),
            Dq = new TokenRows(dq),
            Height = positions.Height.Address,
            Width = positions.Width.Address,
            DRh = dRh.Address,
            DRw = dRw.Address,
            GridHeight = new Divisor(shape.GridHeight),
            GridWidth = new Divisor(shape.GridWidth),
            Queries = new Divisor(shape.Queries),
            Heads = new Divisor(shape.Heads),
            Windows = new WindowGrid(shape),
            Packets = new Divisor(packets),
            HeadWidth = shape.HeadWidth,
            Count = checked(heads * shape.Queries * packets),
        };
        gpu.LaunchOver(OfQueries[form], arguments, arguments.Count);
        if (!dPositions.Height.IsNone)
        {
            MakeTable(arguments with
            {
                LineStride = shape.GridWidth,
                Positions = shape.GridWidth,
                PositionStride = 1,
                Lines = arguments.GridHeight,
            }, dPositions.Height);
        }
        if (!dPositions.Width.IsNone)
        {
            MakeTable(arguments with
            {
                DRh = dRw.Address,
                LineStride = 1,
                Positions = shape.GridHeight,
                PositionStride = shape.GridWidth,
                Lines = arguments.GridWidth,
            }, dPositions.Width);
        }

        void MakeTable(PositionGradientArguments table, View to)
        {
            int rows = 2 * table.Lines.Value - 1;
            DeviceBuffer shares = gpu.Pool.Rent((long)heads * to.Count * sizeof(float));
            table.TableRows = new Divisor(rows);
            table.Count = checked(heads * rows * packets);
            table.DTable = shares.Address;
            gpu.LaunchOver(OfTables[form], table, table.Count);
            gpu.Reduction.Sum(1, heads, to.Count, new View(shares.Address, heads * to.Count, DType.Float32), to);
            shares.Release();
        }
    }

    static unsafe void Query<P>(PositionGradientArguments a) where P : struct, IPacket<P>
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < a.Count; item += threads)
        {
            int row = item / a.Packets, column = (item - row * a.Packets.Value) * P.Floats;
            int image = row / a.Queries, query = row - image * a.Queries.Value;
            int batch = image / a.Heads, head = image - batch * a.Heads.Value;
            int y = query / a.GridWidth, x = query - y * a.GridWidth.Value;
            long rowBytes = a.HeadWidth * sizeof(float);
            long target = TokenRows.Row(
                a.Dq, a.Windows, TokenWindow.Of(a.Windows, batch), query, head * a.HeadWidth + column);
            if (target == 0) continue;
            P sum = P.Load(target);
            sum = AlongLine(sum, a.DRh, row, a.GridHeight.Value, a.Height + column * sizeof(float), y, rowBytes);
            sum = AlongLine(sum, a.DRw, row, a.GridWidth.Value, a.Width + column * sizeof(float), x, rowBytes);
            sum.Store(target);
        }

        static P AlongLine(P sum, long logits, int row, int keys, long table, int line, long rowBytes)
        {
            float* gradients = (float*)logits + (long)row * keys;
            long at = table + (line + keys - 1) * rowBytes;
            for (int key = 0; key < keys; key++)
            {
                sum = P.AddProduct(sum, gradients[key], P.Load(at));
                at -= rowBytes;
            }
            return sum;
        }
    }

    static unsafe void Table<P>(PositionGradientArguments a) where P : struct, IPacket<P>
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < a.Count; item += threads)
        {
            int share = item / a.Packets, column = (item - share * a.Packets.Value) * P.Floats;
            int image = share / a.TableRows, lines = a.Lines.Value;
            int offset = share - image * a.TableRows.Value - (lines - 1);
            int batch = image / a.Heads, head = image - batch * a.Heads.Value;
            TokenWindow window = TokenWindow.Of(a.Windows, batch);
            float* gradients = (float*)a.DRh + (long)image * a.Queries.Value * lines;
            P sum = default;
            int end = Ptx.Min(lines, lines + offset);
            for (int line = Ptx.Max(0, offset); line < end; line++)
                for (int i = 0; i < a.Positions; i++)
                {
                    int query = line * a.LineStride + i * a.PositionStride;
                    long q = TokenRows.Row(a.Q, a.Windows, window, query, head * a.HeadWidth + column);
                    if (q != 0) sum = P.AddProduct(sum, gradients[query * lines + line - offset], P.Load(q));
                }
            sum.Store(a.DTable + ((long)share * a.HeadWidth + column) * sizeof(float));
        }
    }
}
