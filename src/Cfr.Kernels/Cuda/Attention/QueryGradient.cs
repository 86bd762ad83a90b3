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
        int queries = TokenWindow.End(a.Windows, TokenWindow.Of(a.Windows, image / a.Heads), a.Queries);
        if (firstQuery >= queries) return;
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
        var q = TOwn.Load(shared, rows, ofWarp, 0);
        var dy = TOwn.Load(shared, rows, ofWarp + ofDy, 0);
        if (TOwn.AreHeld) Group.Barrier();

        int upper = firstQuery + warp * HeadTile.Strip + (lane >> 2), lower = upper + 8;
        float* terms = (float*)a.RowTerms + ((long)image * a.PaddedQueries + upper) * 2;
        float upperL = terms[0], upperD = terms[1], lowerL = terms[16], lowerD = terms[17];
        bool isMine = firstQuery + warp * HeadTile.Strip < queries, hasPositions = a.Rh != 0;
        int strips = tileRows / HeadTile.Strip, pair = (lane & 3) * 2;
        int raggedRow = Ptx.Hold(a.Grid.Keys < a.Grid.Rows * a.Grid.Columns ? a.Grid.Rows - 1 : -1);
        var position = Positions.Of(a, image, upper, lower);

        uint stage = (uint)Own(blocks, elementBytes, TOwn.AreHeld), other = stage + 2 * tileBytes;
        Fetch<TElement, TSums>(shared, stage, a, image, 0);
        float scale = a.Scale * AttentionRowTerms.Log2OfE;
        TSums dq = default;
        Sums16x16 rw = default, dRw = default;
        for (int tile = 0; tile < a.KeyTiles; tile++)
        {
            Ptx.WaitForCopies();
            Group.Barrier();
            if (tile + 1 < a.KeyTiles) Fetch<TElement, TSums>(shared, other, a, image, tile + 1);
            int segment = tile / a.TilesOfSegment, tileOfSegment = tile - segment * a.TilesOfSegment.Value;
            int row = tileOfSegment * strips, count = isMine ? Ptx.Min(strips, a.Grid.Rows - row) : 0;
            RowPair rh = default, dRh = default;
            if (hasPositions)
            {
                if (tileOfSegment == 0)
                {
                    rw = Positions.LoadColumns(a, position, segment * HeadTile.Strip + pair);
                    dRw = default;
                }
                rh = Positions.LoadRow(position, row + (lane & 3), (lane & 3) < count);
                if (segment > 0) dRh = Positions.LoadRowGradient(position, row + (lane & 3), (lane & 3) < count);
            }
            uint at = stage;
            for (int i = 0; i < count; i++)
            {
                LogitSums logits = TOwn.AddProducts(
                    shared, default, q, dy, rows, columns, at, tileBytes, 0);
                float upperTerm = -upperL, lowerTerm = -lowerL;
                if (hasPositions)
                {
                    upperTerm += Warp.Shuffle(rh.Upper, (lane & ~3) + i);
                    lowerTerm += Warp.Shuffle(rh.Lower, (lane & ~3) + i);
                }
                if (row + i == raggedRow) rw = Ragged(a.Grid.Keys - raggedRow * HeadTile.Strip - pair);
                var ds = new Sums16x16
                {
                    Left = LogitGradients(
                        logits.S.Left, logits.Dp.Left, rw.Left, scale, upperTerm, lowerTerm, upperD, lowerD),
                    Right = LogitGradients(
                        logits.S.Right, logits.Dp.Right, rw.Right, scale, upperTerm, lowerTerm, upperD, lowerD),
                };
                dq = TSums.AddAlongRows(shared, dq, TElement.Round(ds), steps, at, 0, rowBytes);
                if (hasPositions)
                {
                    dRw = new Sums16x16 { Left = Add(dRw.Left, ds.Left), Right = Add(dRw.Right, ds.Right) };
                    RowPair sums = RowPair.Of(ds);
                    if ((lane & 3) == i) dRh = new RowPair { Upper = dRh.Upper + sums.Upper, Lower = dRh.Lower + sums.Lower };
                }
                at += (uint)(HeadTile.Strip * rowBytes);
            }
            if (hasPositions)
            {
                Positions.StoreRowGradient(position, dRh, row + (lane & 3), (lane & 3) < count);
                if (tileOfSegment == a.TilesOfSegment.Value - 1)
                    Positions.StoreColumnGradients(a, position, dRw, segment * HeadTile.Strip + pair);
            }
            (stage, other) = (other, stage);
        }
        if (upper >= a.Queries) upper = -1;
        if (lower >= a.Queries) lower = -1;
        TSums.Store(dq, AttentionGradientArguments.Target(a, a.Dq, image, upper, lower), a.Scale, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Own(int blocks, int elementBytes, bool areHeld) =>
        areHeld ? 0 : 2 * HeadTile.OwnRows * blocks * HeadTile.Strip * elementBytes;

    /// <summary>Starts copying a tile of k and of v: strips below each other in one segment of the grid.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Fetch<TElement, TSums>(
        SharedBytes shared, uint stage, AttentionGradientArguments a, int image, int tile)
        where TElement : struct, ITileElement where TSums : unmanaged, ISumStrip<TSums>
    {
        int blocks = TSums.Blocks, elementBytes = TElement.ElementBytes;
        int rowBytes = blocks * HeadTile.Strip * elementBytes;
        var copy = TileCopy.Of(Group.IdxX, rowBytes, elementBytes);
        int segment = tile / a.TilesOfSegment, tileOfSegment = tile - segment * a.TilesOfSegment.Value;
        int row = tileOfSegment * (HeadTile.Rows(elementBytes) / HeadTile.Strip) + copy.Row / HeadTile.Strip;
        int token = KeyGrid.Token(a.Grid, row, segment * HeadTile.Strip + (copy.Row & HeadTile.Strip - 1));
        long from = ((long)image * a.Grid.Keys + token) * rowBytes;
        TileCopy.Start(shared, copy, stage, a.K + from, token >= 0, blocks, elementBytes);
        TileCopy.Start(
            shared, copy, stage + (uint)HeadTile.Bytes(blocks), a.V + from, token >= 0, blocks, elementBytes);
        Ptx.CommitCopies();
    }

    /// <summary>p (dp - D)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums LogitGradients(
        Sums s, Sums dp, Sums rw, float scale, float upper, float lower, float upperD, float lowerD) => new()
        {
            X = Ptx.Exp2(Ptx.MultiplyAdd(s.X, scale, rw.X + upper)) * (dp.X - upperD),
            Y = Ptx.Exp2(Ptx.MultiplyAdd(s.Y, scale, rw.Y + upper)) * (dp.Y - upperD),
            Z = Ptx.Exp2(Ptx.MultiplyAdd(s.Z, scale, rw.Z + lower)) * (dp.Z - lowerD),
            W = Ptx.Exp2(Ptx.MultiplyAdd(s.W, scale, rw.W + lower)) * (dp.W - lowerD),
        };

    /// <summary>No probability from so many columns on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums16x16 Ragged(int columns) => new() { Left = NoneFrom(columns), Right = NoneFrom(columns - 8) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums NoneFrom(int columns)
    {
        float even = columns > 0 ? 0 : float.NegativeInfinity, odd = columns > 1 ? 0 : float.NegativeInfinity;
        return new Sums { X = even, Y = odd, Z = even, W = odd };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums Add(Sums a, Sums b) => new() { X = a.X + b.X, Y = a.Y + b.Y, Z = a.Z + b.Z, W = a.W + b.W };

    /// <summary>A value for each of a lane's two queries.</summary>
    struct RowPair
    {
        public float Upper, Lower;

        /// <summary>Sums over the 16 keys of a strip, in all four lanes that share a query.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static RowPair Of(Sums16x16 ds)
        {
            float upper = ds.Left.X + ds.Left.Y + (ds.Right.X + ds.Right.Y);
            float lower = ds.Left.Z + ds.Left.W + (ds.Right.Z + ds.Right.W);
            upper += Warp.ShuffleXor(upper, 1);
            lower += Warp.ShuffleXor(lower, 1);
            return new RowPair
            {
                Upper = upper + Warp.ShuffleXor(upper, 2),
                Lower = lower + Warp.ShuffleXor(lower, 2),
            };
        }
    }

    /// <summary>
    /// A lane's two queries in the logits of relative positions and in their gradients. Queries behind the last one read
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

        /// <summary>Rw log2(e) of a segment; minus infinity outside the grid, so that there is no probability.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Sums16x16 LoadColumns(AttentionGradientArguments a, Positions position, int column) => new()
        {
            Left = LoadPairs(position, column, a.Grid.Columns),
            Right = LoadPairs(position, column + 8, a.Grid.Columns),
        };

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Sums LoadPairs(Positions position, int column, int columns) => new()
        {
            X = Load(position.UpperRw, column, columns),
            Y = Load(position.UpperRw, column + 1, columns),
            Z = Load(position.LowerRw, column, columns),
            W = Load(position.LowerRw, column + 1, columns),
        };

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static float Load(long row, int column, int columns) =>
            column < columns ? ((float*)row)[column] * AttentionRowTerms.Log2OfE : float.NegativeInfinity;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreColumnGradients(
            AttentionGradientArguments a, Positions position, Sums16x16 sums, int column)
        {
            StorePairs(position, sums.Left, column, a.Grid.Columns);
            StorePairs(position, sums.Right, column + 8, a.Grid.Columns);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void StorePairs(Positions position, Sums sums, int column, int columns)
        {
            float* upper = (float*)(position.UpperRw + position.ToDRw);
            float* lower = (float*)(position.LowerRw + position.ToDRw);
            if (position.HasUpper && column < columns) upper[column] = sums.X;
            if (position.HasUpper && column + 1 < columns) upper[column + 1] = sums.Y;
            if (position.HasLower && column < columns) lower[column] = sums.Z;
            if (position.HasLower && column + 1 < columns) lower[column + 1] = sums.W;
        }

        /// <summary>Rh log2(e) of a row of the grid: a lane keeps one row of the tile, and passes it to the other three.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static RowPair LoadRow(Positions position, int row, bool isInside) => new()
        {
            Upper = isInside ? ((float*)position.UpperRh)[row] * AttentionRowTerms.Log2OfE : 0,
            Lower = isInside ? ((float*)position.LowerRh)[row] * AttentionRowTerms.Log2OfE : 0,
        };

        /// <summary>What the segments before have given to the row's gradient.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static RowPair LoadRowGradient(Positions position, int row, bool isInside) => new()
        {
            Upper = isInside && position.HasUpper ? ((float*)(position.UpperRh + position.ToDRh))[row] : 0,
            Lower = isInside && position.HasLower ? ((float*)(position.LowerRh + position.ToDRh))[row] : 0,
        };

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreRowGradient(Positions position, RowPair sums, int row, bool isInside)
        {
            if (isInside && position.HasUpper) ((float*)(position.UpperRh + position.ToDRh))[row] = sums.Upper;
            if (isInside && position.HasLower) ((float*)(position.LowerRh + position.ToDRh))[row] = sums.Lower;
        }
    }
}
