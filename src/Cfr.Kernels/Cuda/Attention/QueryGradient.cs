using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>
/// Gradients of queries, and of the logits of relative positions, on tensor cores. A block owns 64 queries and goes over
/// all keys, a strip of 16 in a row of the grid at a time:
/// <code>
///   s = q k^T      dp = dy v^T      p = exp(Scale s + Rh + Rw - L)      ds = p (dp - D)      dq += ds k
///   dRh[q, ky] += the sum of a strip's ds       dRw[q, kx] += ds, in registers while a segment of 16 columns lasts
/// </code>
/// FLOP 6 HeadWidth a pair. A warp reads k twice and v once: 16 columns are 3 loads of a fragment for 6 mma.
/// </summary>
static unsafe class QueryGradient
{
    /// <summary>Two stages of a tile of k and one of v; own queries and dy before them if not held.</summary>
    public static int SharedBytes(int blocks, int elementBytes, bool areHeld) =>
        Own(blocks, elementBytes, areHeld) + 4 * HeadTile.Bytes(blocks);

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

        int firstQuery = Grid.IdxX * HeadTile.OwnRows;
        uint ofDy = (uint)(HeadTile.OwnRows * rowBytes);
        for (int row = 0; row < HeadTile.OwnRows; row += tileRows)
        {
            int query = firstQuery + row + copy.Row;
            long from = ((long)image * a.Queries + query) * rowBytes;
            uint to = (uint)(row * rowBytes);
            TileCopy.Start(shared, copy, to, a.Q + from, query < a.Queries, blocks, elementBytes);
            TileCopy.Start(shared, copy, to + ofDy, a.Dy + from, query < a.Queries, blocks, elementBytes);
        }
        Ptx.CommitCopies();
        Ptx.WaitForCopies();
        Group.Barrier();
        uint ofWarp = (uint)(warp * HeadTile.Strip * rowBytes);
        var q = TOwn.Load<TElement>(shared, rows, ofWarp, 0);
        var dy = TOwn.Load<TElement>(shared, rows, ofWarp + ofDy, 0);
        if (TOwn.AreHeld) Group.Barrier();

        int upper = firstQuery + warp * HeadTile.Strip + (lane >> 2), lower = upper + 8;
        float* terms = (float*)a.RowTerms + ((long)image * a.PaddedQueries + upper) * 2;
        float upperL = terms[0], upperD = terms[1], lowerL = terms[16], lowerD = terms[17];
        bool isMine = firstQuery + warp * HeadTile.Strip < a.Queries;
        var position = Positions.Of(a, image, upper, lower);

        uint stage = (uint)Own(blocks, elementBytes, TOwn.AreHeld), other = stage + 2 * tileBytes;
        long k = a.K + (long)image * a.Grid.Keys * rowBytes, toV = a.V - a.K;
        Fetch<TElement, TSums>(shared, copy, stage, a, 0, k, toV);

        bool hasPositions = a.Rh != 0;
        float scale = a.Scale * AttentionRowTerms.Log2OfE;
        TSums dq = default;
        Sums16x16 rw = default, dRw = default;
        for (int tile = 0; tile < a.KeyTiles; tile++)
        {
            Ptx.WaitForCopies();
            Group.Barrier();
            if (tile + 1 < a.KeyTiles) Fetch<TElement, TSums>(shared, copy, other, a, tile + 1, k, toV);
            int segment = tile / a.TilesOfSegment, tileOfSegment = tile - segment * a.TilesOfSegment.Value;
            int row = tileOfSegment * (tileRows / HeadTile.Strip), column = segment * HeadTile.Strip + (lane & 3) * 2;
            int count = isMine ? Ptx.Min(tileRows / HeadTile.Strip, a.Grid.Rows - row) : 0;
            if (hasPositions && tileOfSegment == 0)
            {
                rw = Positions.Load(a, position, column);
                dRw = default;
            }
            uint at = stage;
            for (int i = 0; i < count; i++)
            {
                float upperTerm = -upperL, lowerTerm = -lowerL;
                if (hasPositions)
                {
                    upperTerm = Ptx.MultiplyAdd(
                        ((float*)position.UpperRh)[row + i], AttentionRowTerms.Log2OfE, upperTerm);
                    lowerTerm = Ptx.MultiplyAdd(
                        ((float*)position.LowerRh)[row + i], AttentionRowTerms.Log2OfE, lowerTerm);
                }
                int limit = Ptx.Min(a.Grid.Columns, a.Grid.Keys - (row + i) * a.Grid.Columns) - column;
                LogitSums logits = TOwn.AddProducts<TElement>(
                    shared, default, q, dy, rows, columns, at, tileBytes, 0);
                var ds = new Sums16x16
                {
                    Left = LogitGradients(
                        logits.S.Left, logits.Dp.Left, rw.Left, scale, upperTerm, lowerTerm, upperD, lowerD, limit),
                    Right = LogitGradients(
                        logits.S.Right, logits.Dp.Right, rw.Right, scale, upperTerm, lowerTerm, upperD, lowerD,
                        limit - 8),
                };
                dq = TSums.AddAlongRows<TElement>(shared, dq, TElement.Round(ds), steps, at, 0, rowBytes);
                if (hasPositions)
                {
                    dRw = new Sums16x16 { Left = Add(dRw.Left, ds.Left), Right = Add(dRw.Right, ds.Right) };
                    Positions.AddRow(position, ds, row + i, segment, lane);
                }
                at += (uint)(HeadTile.Strip * rowBytes);
            }
            if (hasPositions && tileOfSegment == a.TilesOfSegment.Value - 1)
                Positions.Store(a, position, dRw, column);
            (stage, other) = (other, stage);
        }
        if (upper >= a.Queries) upper = -1;
        if (lower >= a.Queries) lower = -1;
        TSums.Store(dq, AttentionGradientArguments.Target(a, a.Dq, image, upper, lower, lane), a.Scale, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Own(int blocks, int elementBytes, bool areHeld) =>
        areHeld ? 0 : 2 * HeadTile.OwnRows * blocks * HeadTile.Strip * elementBytes;

    /// <summary>Starts copying a tile of k and of v: strips below each other in one segment of the grid.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Fetch<TElement, TSums>(
        SharedBytes shared, TileCopy copy, uint stage, AttentionGradientArguments a, int tile, long k, long toV)
        where TElement : struct, ITileElement where TSums : unmanaged, ISumStrip<TSums>
    {
        int blocks = TSums.Blocks, elementBytes = TElement.ElementBytes;
        int segment = tile / a.TilesOfSegment, tileOfSegment = tile - segment * a.TilesOfSegment.Value;
        int row = tileOfSegment * (HeadTile.Rows(elementBytes) / HeadTile.Strip) + copy.Row / HeadTile.Strip;
        int token = KeyGrid.Token(a.Grid, row, segment * HeadTile.Strip + (copy.Row & HeadTile.Strip - 1));
        long from = k + (long)token * (blocks * HeadTile.Strip * elementBytes);
        TileCopy.Start(shared, copy, stage, from, token >= 0, blocks, elementBytes);
        TileCopy.Start(
            shared, copy, stage + (uint)HeadTile.Bytes(blocks), from + toV, token >= 0, blocks, elementBytes);
        Ptx.CommitCopies();
    }

    /// <summary>p (dp - D), 0 from column <paramref name="limit"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums LogitGradients(
        Sums s, Sums dp, Sums rw, float scale, float upper, float lower, float upperD, float lowerD, int limit) => new()
        {
            X = limit > 0 ? Ptx.Exp2(Ptx.MultiplyAdd(s.X, scale, rw.X + upper)) * (dp.X - upperD) : 0,
            Y = limit > 1 ? Ptx.Exp2(Ptx.MultiplyAdd(s.Y, scale, rw.Y + upper)) * (dp.Y - upperD) : 0,
            Z = limit > 0 ? Ptx.Exp2(Ptx.MultiplyAdd(s.Z, scale, rw.Z + lower)) * (dp.Z - lowerD) : 0,
            W = limit > 1 ? Ptx.Exp2(Ptx.MultiplyAdd(s.W, scale, rw.W + lower)) * (dp.W - lowerD) : 0,
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Add(Sums a, Sums b) => new() { X = a.X + b.X, Y = a.Y + b.Y, Z = a.Z + b.Z, W = a.W + b.W };

    /// <summary>
    /// A lane's two rows in the logits of relative positions and in their gradients; rows behind the last query read
    /// that one's and store nothing.
    /// </summary>
    struct Positions
    {
        public long UpperRh, LowerRh, UpperRw, LowerRw;

        /// <summary>From logits to their gradients.</summary>
        public long ToDRh, ToDRw;
        public bool HasUpper, HasLower;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Positions Of(AttentionGradientArguments a, int image, int upper, int lower)
        {
            long first = (long)image * a.Queries;
            long ofUpper = first + Ptx.Min(upper, a.Queries - 1), ofLower = first + Ptx.Min(lower, a.Queries - 1);
            long row = a.Grid.Rows * sizeof(float), column = a.Grid.Columns * sizeof(float);
            return new Positions
            {
                UpperRh = a.Rh + ofUpper * row,
                LowerRh = a.Rh + ofLower * row,
                UpperRw = a.Rw + ofUpper * column,
                LowerRw = a.Rw + ofLower * column,
                ToDRh = a.DRh - a.Rh,
                ToDRw = a.DRw - a.Rw,
                HasUpper = upper < a.Queries,
                HasLower = lower < a.Queries,
            };
        }

        /// <summary>Rw log2(e) of a segment.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Sums16x16 Load(AttentionGradientArguments a, Positions position, int column) => new()
        {
            Left = Load(position, column, a.Grid.Columns),
            Right = Load(position, column + 8, a.Grid.Columns),
        };

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Sums Load(Positions position, int column, int columns)
        {
            int even = Ptx.Min(column, columns - 1), odd = Ptx.Min(column + 1, columns - 1);
            return new Sums
            {
                X = ((float*)position.UpperRw)[even] * AttentionRowTerms.Log2OfE,
                Y = ((float*)position.UpperRw)[odd] * AttentionRowTerms.Log2OfE,
                Z = ((float*)position.LowerRw)[even] * AttentionRowTerms.Log2OfE,
                W = ((float*)position.LowerRw)[odd] * AttentionRowTerms.Log2OfE,
            };
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(AttentionGradientArguments a, Positions position, Sums16x16 sums, int column)
        {
            Store(position, sums.Left, column, a.Grid.Columns);
            Store(position, sums.Right, column + 8, a.Grid.Columns);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Store(Positions position, Sums sums, int column, int columns)
        {
            float* upper = (float*)(position.UpperRw + position.ToDRw);
            float* lower = (float*)(position.LowerRw + position.ToDRw);
            if (position.HasUpper && column < columns) upper[column] = sums.X;
            if (position.HasUpper && column + 1 < columns) upper[column + 1] = sums.Y;
            if (position.HasLower && column < columns) lower[column] = sums.Z;
            if (position.HasLower && column + 1 < columns) lower[column + 1] = sums.W;
        }

        /// <summary>
        /// Adds a strip's rows to dRh[.., row]. The four lanes of a row sum it up; one of them keeps it, always the
        /// same.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void AddRow(Positions position, Sums16x16 ds, int row, int segment, int lane)
        {
            float upper = ds.Left.X + ds.Left.Y + (ds.Right.X + ds.Right.Y);
            float lower = ds.Left.Z + ds.Left.W + (ds.Right.Z + ds.Right.W);
            upper += Warp.ShuffleXor(upper, 1);
            lower += Warp.ShuffleXor(lower, 1);
            upper += Warp.ShuffleXor(upper, 2);
            lower += Warp.ShuffleXor(lower, 2);
            bool isUpper = (lane & 3) == 0, isLower = (lane & 3) == 1;
            if (!(isUpper && position.HasUpper || isLower && position.HasLower)) return;
            float sum = isUpper ? upper : lower;
            float* at = (float*)((isUpper ? position.UpperRh : position.LowerRh) + position.ToDRh) + row;
            *at = segment == 0 ? sum : *at + sum;
        }
    }
}
