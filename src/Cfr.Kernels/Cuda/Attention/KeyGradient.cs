using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Gradients of keys and values on tensor cores. A block owns 64 keys and goes over all queries; everything is computed
/// transposed, so that p and ds leave one product as sums and enter the next as factors in the same registers:
/// <code>
///   s^T = k q^T      dp^T = v dy^T      p^T = exp(Scale s^T + Rh + Rw - L)      ds^T = p^T (dp^T - D)
///   dv += p^T dy     dk += ds^T q       a warp: 16 keys, 16 queries at a time
/// </code>
/// FLOP 8 HeadWidth a pair; bytes from L2 for a tile of q and dy 4 HeadWidth a query and 64 keys (bfloat16): 128 FLOP a
/// byte. A warp reads q and dy twice, along columns and along rows: 16 columns are 4 loads of a fragment for 8 mma, 16
/// clocks of shared memory against 8 of mma at peak, 12 as mma.sync goes.
/// </summary>
static unsafe class KeyGradient
{
    /// <summary>Two stages of a tile of q, one of dy and what belongs to its rows; own keys and values before them if not held.</summary>
    public static int SharedBytes(int blocks, int elementBytes, bool areHeld) =>
        Own(blocks, elementBytes, areHeld) + 2 * Stage(blocks, elementBytes);

    public static void Run<TElement, TOwn, TSums>(AttentionGradientArguments a)
        where TElement : struct, ITileElement where TOwn : unmanaged, IFactorStrip<TOwn>
        where TSums : unmanaged, ISumStrip<TSums>
    {
        var shared = Cuda.SharedBytes.Dynamic();
        int thread = Group.IdxX, lane = thread & 31, warp = thread >> 5, image = a.FirstHead + Grid.IdxZ;
        int elementBytes = TElement.ElementBytes, blocks = TSums.Blocks;
        int rowBytes = blocks * HeadTile.Strip * elementBytes, tileRows = HeadTile.Rows(elementBytes);
        uint tileBytes = (uint)HeadTile.Bytes(blocks);
        var copy = TileCopy.Of(thread, rowBytes, elementBytes);
        LanePlace rows = LanePlace.OfRows(lane, rowBytes), columns = LanePlace.OfColumns(lane, rowBytes);
        LanePlace steps = TElement.OfSteps(lane, rowBytes);

        int segment = Grid.IdxX / a.TilesOfSegment;
        int firstRow = (Grid.IdxX - segment * a.TilesOfSegment.Value) * (HeadTile.OwnRows / HeadTile.Strip);
        int firstColumn = segment * HeadTile.Strip;
        uint ofValues = (uint)(HeadTile.OwnRows * rowBytes);
        for (int row = 0; row < HeadTile.OwnRows; row += tileRows)
        {
            int own = row + copy.Row, strip = own / HeadTile.Strip;
            int token = KeyGrid.Token(a.Grid, firstRow + strip, firstColumn + (own & HeadTile.Strip - 1));
            long from = ((long)image * a.Grid.Keys + token) * rowBytes;
            uint to = (uint)(row * rowBytes);
            TileCopy.Start(shared, copy, to, a.K + from, token >= 0, blocks, elementBytes);
            TileCopy.Start(shared, copy, to + ofValues, a.V + from, token >= 0, blocks, elementBytes);
        }
        Ptx.CommitCopies();
        Ptx.WaitForCopies();
        Group.Barrier();
        uint ofWarp = (uint)(warp * HeadTile.Strip * rowBytes);
        var k = TOwn.Load(shared, rows, ofWarp, 0);
        var v = TOwn.Load(shared, rows, ofWarp + ofValues, 0);
        if (TOwn.AreHeld) Group.Barrier();

        bool isMine = firstRow + warp < a.Grid.Rows, hasPositions = a.Rh != 0;
        float scale = a.Scale * AttentionRowTerms.Log2OfE;
        uint ofTerms = 2 * tileBytes + (uint)((lane & 3) * 2 * AttentionRowTerms.Bytes);
        uint ofPositions = Positions(blocks, elementBytes) + PositionTile.Lane(lane);
        uint toRow = PositionTile.ToRow(lane, warp);
        uint stage = (uint)Own(blocks, elementBytes, TOwn.AreHeld), other = stage + (uint)Stage(blocks, elementBytes);
        Fetch<TElement, TSums>(shared, stage, a, image, 0, firstRow, firstColumn);
        TSums dk = default, dv = default;
        int queries = TokenWindow.End(a.Windows, TokenWindow.Of(a.Windows, image / a.Heads), a.Queries);
        for (int query = 0; query < queries; query += tileRows)
        {
            Ptx.WaitForCopies();
            Group.Barrier();
            if (query + tileRows < queries)
                Fetch<TElement, TSums>(shared, other, a, image, query + tileRows, firstRow, firstColumn);
            int count = isMine ? Ptx.Min(tileRows, queries - query) : 0;
            uint at = stage, terms = stage + ofTerms, positions = stage + ofPositions;
            for (int i = 0; i < count; i += HeadTile.Strip)
            {
                LogitSums logits = TOwn.AddProducts(
                    shared, default, k, v, rows, columns, at, tileBytes, 0);
                Float4 left = shared.Load4(terms), right = shared.Load4(terms + 8 * AttentionRowTerms.Bytes);
                Sums16x16 position = default;
                if (hasPositions)
                {
                    position = new Sums16x16
                    {
                        Left = PositionTile.Load(shared, positions, toRow),
                        Right = PositionTile.Load(shared, positions + 8 * PositionTile.RowBytes, toRow),
                    };
                }
                var p = new Sums16x16
                {
                    Left = Probabilities(logits.S.Left, scale, left, position.Left),
                    Right = Probabilities(logits.S.Right, scale, right, position.Right),
                };
                var ds = new Sums16x16
                {
                    Left = LogitGradients(p.Left, logits.Dp.Left, left),
                    Right = LogitGradients(p.Right, logits.Dp.Right, right),
                };
                dv = TSums.AddAlongRows(shared, dv, TElement.Round(p), steps, at + tileBytes, 0, rowBytes);
                dk = TSums.AddAlongRows(shared, dk, TElement.Round(ds), steps, at, 0, rowBytes);
                at += (uint)(HeadTile.Strip * rowBytes);
                terms += HeadTile.Strip * AttentionRowTerms.Bytes;
                positions += HeadTile.Strip * PositionTile.RowBytes;
            }
            (stage, other) = (other, stage);
        }

        int upper = KeyGrid.Token(a.Grid, firstRow + warp, firstColumn + (lane >> 2));
        int lower = KeyGrid.Token(a.Grid, firstRow + warp, firstColumn + (lane >> 2) + 8);
        TSums.Store(dk, AttentionGradientArguments.Target(a, a.Dk, image, upper, lower), a.Scale, 0);
        TSums.Store(dv, AttentionGradientArguments.Target(a, a.Dv, image, upper, lower), 1, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Stage(int blocks, int elementBytes) =>
        (int)Positions(blocks, elementBytes) + HeadTile.Rows(elementBytes) * PositionTile.RowBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Own(int blocks, int elementBytes, bool areHeld) =>
        areHeld ? 0 : 2 * HeadTile.OwnRows * blocks * HeadTile.Strip * elementBytes;

    /// <summary>From the beginning of a stage to the logits of relative positions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Positions(int blocks, int elementBytes) =>
        (uint)(2 * HeadTile.Bytes(blocks) + HeadTile.Rows(elementBytes) * AttentionRowTerms.Bytes);

    /// <summary>
    /// Starts copying a tile of q, of dy and of what belongs to its rows. Addresses are made anew each time: between
    /// two tiles registers are dearer than instructions.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Fetch<TElement, TSums>(
        SharedBytes shared, uint stage, AttentionGradientArguments a, int image, int first, int firstRow,
        int firstColumn) where TElement : struct, ITileElement where TSums : unmanaged, ISumStrip<TSums>
    {
        int blocks = TSums.Blocks, elementBytes = TElement.ElementBytes, thread = Group.IdxX;
        int rowBytes = blocks * HeadTile.Strip * elementBytes;
        uint tileBytes = (uint)HeadTile.Bytes(blocks);
        var copy = TileCopy.Of(thread, rowBytes, elementBytes);
        bool isInside = first + copy.Row < a.Queries;
        long query = (long)image * a.Queries + first + copy.Row;
        TileCopy.Start(shared, copy, stage, a.Q + query * rowBytes, isInside, blocks, elementBytes);
        TileCopy.Start(shared, copy, stage + tileBytes, a.Dy + query * rowBytes, isInside, blocks, elementBytes);
        if (thread < HeadTile.Rows(elementBytes) * AttentionRowTerms.Bytes / 16)
        {
            long terms = a.RowTerms + ((long)image * a.PaddedQueries + first) * AttentionRowTerms.Bytes;
            Ptx.CopyAsync16(shared, stage + 2 * tileBytes + (uint)(thread * 16), terms + thread * 16, 16);
        }
        if (a.Rh != 0)
        {
            uint positions = stage + Positions(blocks, elementBytes) + (uint)(copy.Row * PositionTile.RowBytes);
            PositionTile.Start(
                shared, positions, a, query, isInside, firstRow, firstColumn, thread & elementBytes - 1, elementBytes);
        }
        Ptx.CommitCopies();
    }

    /// <summary>2^(s scale + log2(e) (Rh + Rw) - L): rows are keys, columns queries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Probabilities(Sums s, float scale, Float4 row, Sums position) => new()
    {
        X = Probability(s.X, scale, row.X, position.X),
        Y = Probability(s.Y, scale, row.Z, position.Y),
        Z = Probability(s.Z, scale, row.X, position.Z),
        W = Probability(s.W, scale, row.Z, position.W),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Probability(float s, float scale, float l, float position) =>
        Ptx.Exp2(Ptx.MultiplyAdd(s, scale, Ptx.MultiplyAdd(position, AttentionRowTerms.Log2OfE, -l)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums LogitGradients(Sums p, Sums dp, Float4 row) => new()
    {
        X = p.X * (dp.X - row.Y),
        Y = p.Y * (dp.Y - row.W),
        Z = p.Z * (dp.Z - row.Y),
        W = p.W * (dp.W - row.W),
    };
}
