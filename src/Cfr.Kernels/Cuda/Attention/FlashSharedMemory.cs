using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="FlashSharedMemory"/>.</summary>
struct FlashSharedArguments
{
    public TokenRows Q, K, V, Y;

    /// <summary>[Batch, Heads, Queries], or 0.</summary>
    public long LogSumExp;

    /// <summary>Rh and Rw (<see cref="RelativeLogits"/>), or 0.</summary>
    public long RowLogits, ColumnLogits;
    public int Queries, Keys, HeadWidth, GridHeight;

    /// <summary>Whether rows begin at multiples of 16 bytes and consist of runs of four: 1 or 0.</summary>
    public int Packed;
    public float Scale;
    public Divisor GridWidth, Heads, Tiles;
    public WindowGrid Windows;
}

/// <summary>How wide a head may be in registers.</summary>
interface IRegisterWidth
{
    /// <summary>64 or 128.</summary>
    static abstract int Columns { get; }
}

/// <summary>64 sums of the result a thread.</summary>
readonly struct RegisterWidth64 : IRegisterWidth
{
    public static int Columns => 64;
}

/// <summary>128 sums.</summary>
readonly struct RegisterWidth128 : IRegisterWidth
{
    public static int Columns => 128;
}

/// <summary>
/// Flash attention with shared memory, rung 2, float32: a block of 64 threads takes 64 queries of a head past all of
/// its keys, 64 at a time, with the recurrence of <see cref="FlashAttention"/>. Thread (down, across) of 8 x 8 has the
/// logits of rows down + 8 i and keys across + 8 j in registers; probabilities go through shared memory, where the keys
/// have been, to become the left operand of the product with the values, of which the thread sums eight columns (or
/// sixteen).
/// <code>
///   4 Queries Keys HeadWidth FLOP a head; both products: 16 loads of 16 bytes for 256 multiply-adds
///   a warp: 64 clocks of shared memory, 64 of FMA
/// </code>
/// </summary>
static unsafe class FlashSharedMemory
{
    public const int Queries = 64, WidestHead = 128;

    const int Threads = 64, Side = 8, KeysOfBlock = 64, ProbabilityPitch = KeysOfBlock + 4;

    static readonly Kernel<FlashSharedArguments>
        Narrow = Kernel<RegisterWidth64>("attention_flash_float32_64"),
        Wide = Kernel<RegisterWidth128>("attention_flash_float32_128");

    public static Kernel<FlashSharedArguments> For(int headWidth) =>
        headWidth <= RegisterWidth64.Columns ? Narrow : Wide;

    static Kernel<FlashSharedArguments> Kernel<TWidth>(string name) where TWidth : struct, IRegisterWidth =>
        new(name, Run<TWidth>)
        {
            Threads = Threads,
            AnyBlock = false,
            BlocksPerMultiprocessor = 1,
            SharedBytes = 3 * Queries * Pitch(TWidth.Columns) * sizeof(float),
        };

    /// <summary>Floats from row to row: eight rows begin at different banks.</summary>
    static int Pitch(int columns) => columns + 4;

    static void Run<TWidth>(FlashSharedArguments a) where TWidth : struct, IRegisterWidth
    {
        var shared = SharedBytes.Dynamic();
        uint rowBytes = (uint)Pitch(TWidth.Columns) * sizeof(float), tileBytes = Queries * rowBytes;
        uint keyTile = tileBytes, valueTile = 2 * tileBytes;
        int thread = Group.IdxX, down = thread >> 3, across = thread & Side - 1;
        int image = Grid.IdxX / a.Tiles, firstQuery = (Grid.IdxX - image * a.Tiles.Value) * Queries;
        int query = firstQuery + down;
        if (firstQuery >= TokenWindow.End(a.Windows, TokenWindow.Of(a.Windows, image / a.Heads), a.Queries)) return;
        Copy<TWidth>(shared, 0, a.Q, image, firstQuery, a.Queries - firstQuery, a);

        EightSums largest = Fill(float.NegativeInfinity), total = Fill(0);
        Sums8x8 left = default, right = default;
        uint rowOfQuery = (uint)down * rowBytes, rowOfKey = keyTile + (uint)across * rowBytes;
        uint probabilities = keyTile + (uint)(down * ProbabilityPitch * sizeof(float));
        for (int firstKey = 0; firstKey < a.Keys; firstKey += KeysOfBlock)
        {
            Group.Barrier();
            Copy<TWidth>(shared, keyTile, a.K, image, firstKey, a.Keys - firstKey, a);
            Copy<TWidth>(shared, valueTile, a.V, image, firstKey, a.Keys - firstKey, a);
            Group.Barrier();
            Sums8x8 logits = default;
            for (uint at = 0; at < (uint)a.HeadWidth * sizeof(float); at += 16)
            {
                EightLines keys = Keys(shared, rowOfKey + at, rowBytes);
                logits = Products(shared, logits, rowOfQuery + at, Side * rowBytes, keys);
            }

            // The keys have been read by all: probabilities take their place.
            Group.Barrier();
            EightSums factor = Fill(0);
            int key = firstKey + across;
            long row = (long)image * a.Queries;
            SoftmaxRow r = SoftmaxRow.Of(a, logits.R0, row, query, key, largest.X0, total.X0);
            (largest.X0, total.X0, factor.X0) = (r.Largest, r.Total, r.Factor);
            StoreRow(shared, probabilities, 0, across, r.P);
            r = SoftmaxRow.Of(a, logits.R1, row, query + 8, key, largest.X1, total.X1);
            (largest.X1, total.X1, factor.X1) = (r.Largest, r.Total, r.Factor);
            StoreRow(shared, probabilities, 1, across, r.P);
            r = SoftmaxRow.Of(a, logits.R2, row, query + 16, key, largest.X2, total.X2);
            (largest.X2, total.X2, factor.X2) = (r.Largest, r.Total, r.Factor);
            StoreRow(shared, probabilities, 2, across, r.P);
            r = SoftmaxRow.Of(a, logits.R3, row, query + 24, key, largest.X3, total.X3);
            (largest.X3, total.X3, factor.X3) = (r.Largest, r.Total, r.Factor);
            StoreRow(shared, probabilities, 3, across, r.P);
            r = SoftmaxRow.Of(a, logits.R4, row, query + 32, key, largest.X4, total.X4);
            (largest.X4, total.X4, factor.X4) = (r.Largest, r.Total, r.Factor);
            StoreRow(shared, probabilities, 4, across, r.P);
            r = SoftmaxRow.Of(a, logits.R5, row, query + 40, key, largest.X5, total.X5);
            (largest.X5, total.X5, factor.X5) = (r.Largest, r.Total, r.Factor);
            StoreRow(shared, probabilities, 5, across, r.P);
            r = SoftmaxRow.Of(a, logits.R6, row, query + 48, key, largest.X6, total.X6);
            (largest.X6, total.X6, factor.X6) = (r.Largest, r.Total, r.Factor);
            StoreRow(shared, probabilities, 6, across, r.P);
            r = SoftmaxRow.Of(a, logits.R7, row, query + 56, key, largest.X7, total.X7);
            (largest.X7, total.X7, factor.X7) = (r.Largest, r.Total, r.Factor);
            StoreRow(shared, probabilities, 7, across, r.P);
            Group.Barrier();

            left = Scaled(left, factor);
            if (TWidth.Columns > 64) right = Scaled(right, factor);
            uint betweenRows = Side * ProbabilityPitch * sizeof(float);
            uint value = valueTile + (uint)across * 16, p = probabilities;
            for (int four = 0; four < KeysOfBlock / 4; four++)
            {
                left = Products(shared, left, p, betweenRows, Values(shared, value, rowBytes));
                if (TWidth.Columns > 64)
                    right = Products(shared, right, p, betweenRows, Values(shared, value + 256, rowBytes));
                p += 16;
                value += 4 * rowBytes;
            }
        }

        total = new EightSums
        {
            X0 = OverRow(total.X0),
            X1 = OverRow(total.X1),
            X2 = OverRow(total.X2),
            X3 = OverRow(total.X3),
            X4 = OverRow(total.X4),
            X5 = OverRow(total.X5),
            X6 = OverRow(total.X6),
            X7 = OverRow(total.X7),
        };
        Finish<TWidth>(a, image, query, across, left.R0, right.R0, largest.X0, total.X0);
        Finish<TWidth>(a, image, query + 8, across, left.R1, right.R1, largest.X1, total.X1);
        Finish<TWidth>(a, image, query + 16, across, left.R2, right.R2, largest.X2, total.X2);
        Finish<TWidth>(a, image, query + 24, across, left.R3, right.R3, largest.X3, total.X3);
        Finish<TWidth>(a, image, query + 32, across, left.R4, right.R4, largest.X4, total.X4);
        Finish<TWidth>(a, image, query + 40, across, left.R5, right.R5, largest.X5, total.X5);
        Finish<TWidth>(a, image, query + 48, across, left.R6, right.R6, largest.X6, total.X6);
        Finish<TWidth>(a, image, query + 56, across, left.R7, right.R7, largest.X7, total.X7);
    }

    /// <summary>
    /// A tile of 64 tokens, with zeros behind the last and behind the head's width. Where the head lies is found anew
    /// each time: between two tiles registers are dearer than instructions.
    /// </summary>
    static void Copy<TWidth>(
        SharedBytes shared, uint tile, TokenRows rows, int image, int first, int tokensLeft,
        FlashSharedArguments a) where TWidth : struct, IRegisterWidth
    {
        int fours = TWidth.Columns / 4;
        image = Ptx.Hold(image);
        int batch = image / a.Heads, head = image - batch * a.Heads.Value;
        TokenWindow window = TokenWindow.Of(a.Windows, batch);
        for (int i = Group.IdxX; i < Queries * fours; i += Threads)
        {
            int token = i >> (TWidth.Columns > 64 ? 5 : 4), column = (i & fours - 1) * 4;
            long from = token < tokensLeft
                ? TokenRows.Row(rows, a.Windows, window, first + token, head * a.HeadWidth + column)
                : 0;
            Float4 four = Float32Tokens.Load(from, from == 0 ? 0 : a.HeadWidth - column, a.Packed);
            uint to = tile + (uint)((token * Pitch(TWidth.Columns) + column) * sizeof(float));
            shared.Store2(to, four.X, four.Y);
            shared.Store2(to + 8, four.Z, four.W);
        }
    }

    /// <summary>Four components of keys across, across + 8, ...</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static EightLines Keys(SharedBytes shared, uint at, uint rowBytes) => new()
    {
        L0 = shared.Load4(at),
        L1 = shared.Load4(at + 8 * rowBytes),
        L2 = shared.Load4(at + 16 * rowBytes),
        L3 = shared.Load4(at + 24 * rowBytes),
        L4 = shared.Load4(at + 32 * rowBytes),
        L5 = shared.Load4(at + 40 * rowBytes),
        L6 = shared.Load4(at + 48 * rowBytes),
        L7 = shared.Load4(at + 56 * rowBytes),
    };

    /// <summary>Of four keys, columns 4 across .. + 3 and 32 further on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static EightLines Values(SharedBytes shared, uint at, uint rowBytes) => EightLines.Turned(
        shared.Load4(at), shared.Load4(at + rowBytes), shared.Load4(at + 2 * rowBytes), shared.Load4(at + 3 * rowBytes),
        shared.Load4(at + 128), shared.Load4(at + rowBytes + 128), shared.Load4(at + 2 * rowBytes + 128),
        shared.Load4(at + 3 * rowBytes + 128));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums8x8 Products(SharedBytes shared, Sums8x8 c, uint row, uint between, EightLines b) => new()
    {
        R0 = EightSums.Multiply(c.R0, shared.Load4(row), b),
        R1 = EightSums.Multiply(c.R1, shared.Load4(row + between), b),
        R2 = EightSums.Multiply(c.R2, shared.Load4(row + 2 * between), b),
        R3 = EightSums.Multiply(c.R3, shared.Load4(row + 3 * between), b),
        R4 = EightSums.Multiply(c.R4, shared.Load4(row + 4 * between), b),
        R5 = EightSums.Multiply(c.R5, shared.Load4(row + 5 * between), b),
        R6 = EightSums.Multiply(c.R6, shared.Load4(row + 6 * between), b),
        R7 = EightSums.Multiply(c.R7, shared.Load4(row + 7 * between), b),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Sums8x8 Scaled(Sums8x8 c, EightSums factor) => new()
    {
        R0 = Scaled(c.R0, factor.X0),
        R1 = Scaled(c.R1, factor.X1),
        R2 = Scaled(c.R2, factor.X2),
        R3 = Scaled(c.R3, factor.X3),
        R4 = Scaled(c.R4, factor.X4),
        R5 = Scaled(c.R5, factor.X5),
        R6 = Scaled(c.R6, factor.X6),
        R7 = Scaled(c.R7, factor.X7),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static EightSums Scaled(EightSums c, float factor) => new()
    {
        X0 = c.X0 * factor,
        X1 = c.X1 * factor,
        X2 = c.X2 * factor,
        X3 = c.X3 * factor,
        X4 = c.X4 * factor,
        X5 = c.X5 * factor,
        X6 = c.X6 * factor,
        X7 = c.X7 * factor,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static EightSums Fill(float value) => new()
    {
        X0 = value,
        X1 = value,
        X2 = value,
        X3 = value,
        X4 = value,
        X5 = value,
        X6 = value,
        X7 = value,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreRow(SharedBytes shared, uint probabilities, int row, int across, EightSums p)
    {
        uint at = probabilities + (uint)((row * Side * ProbabilityPitch + across) * sizeof(float));
        shared.Store(at, p.X0);
        shared.Store(at + 32, p.X1);
        shared.Store(at + 64, p.X2);
        shared.Store(at + 96, p.X3);
        shared.Store(at + 128, p.X4);
        shared.Store(at + 160, p.X5);
        shared.Store(at + 192, p.X6);
        shared.Store(at + 224, p.X7);
    }

    /// <summary>Sums over the eight threads that share rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float OverRow(float value)
    {
        value += Warp.ShuffleXor(value, 1);
        value += Warp.ShuffleXor(value, 2);
        return value + Warp.ShuffleXor(value, 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Finish<TWidth>(
        FlashSharedArguments a, int image, int query, int across, EightSums left, EightSums right,
        float largest, float total) where TWidth : struct, IRegisterWidth
    {
        if (query >= a.Queries) return;
        int batch = image / a.Heads, head = image - batch * a.Heads.Value;
        long row = TokenRows.Row(a.Y, a.Windows, TokenWindow.Of(a.Windows, batch), query, head * a.HeadWidth);
        if (row == 0) return;
        float* y = (float*)row;
        float factor = 1 / total;
        Store(y, Scaled(left, factor), 4 * across, a.HeadWidth);
        if (TWidth.Columns > 64) Store(y, Scaled(right, factor), 64 + 4 * across, a.HeadWidth);
        if (a.LogSumExp != 0 && across == 0)
            ((float*)a.LogSumExp)[(long)image * a.Queries + query] =
                largest + Logarithm.Apply(new Lane(total)).Value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* y, EightSums sums, int column, int end)
    {
        if (column < end) y[column] = sums.X0;
        if (column + 1 < end) y[column + 1] = sums.X1;
        if (column + 2 < end) y[column + 2] = sums.X2;
        if (column + 3 < end) y[column + 3] = sums.X3;
        if (column + 32 < end) y[column + 32] = sums.X4;
        if (column + 33 < end) y[column + 33] = sums.X5;
        if (column + 34 < end) y[column + 34] = sums.X6;
        if (column + 35 < end) y[column + 35] = sums.X7;
    }

    /// <summary>A thread's part of a row: its probabilities of a block of keys, and the softmax so far.</summary>
    struct SoftmaxRow
    {
        public EightSums P;
        public float Largest, Total, Factor;

        /// <summary>From products of the row with keys key, key + 8, ..; image is the head's first row.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static SoftmaxRow Of(
            FlashSharedArguments a, EightSums products, long image, int query, int key, float largest, float total)
        {
            long row = image + Ptx.Min(query, a.Queries - 1);
            var logits = new EightSums
            {
                X0 = Logit(a, products.X0, row, key),
                X1 = Logit(a, products.X1, row, key + 8),
                X2 = Logit(a, products.X2, row, key + 16),
                X3 = Logit(a, products.X3, row, key + 24),
                X4 = Logit(a, products.X4, row, key + 32),
                X5 = Logit(a, products.X5, row, key + 40),
                X6 = Logit(a, products.X6, row, key + 48),
                X7 = Logit(a, products.X7, row, key + 56),
            };
            float now = Ptx.Max(
                Ptx.Max(Ptx.Max(logits.X0, logits.X1), Ptx.Max(logits.X2, logits.X3)),
                Ptx.Max(Ptx.Max(logits.X4, logits.X5), Ptx.Max(logits.X6, logits.X7)));
            now = Ptx.Max(now, Warp.ShuffleXor(now, 1));
            now = Ptx.Max(now, Warp.ShuffleXor(now, 2));
            now = Ptx.Max(largest, Ptx.Max(now, Warp.ShuffleXor(now, 4)));
            var p = new EightSums
            {
                X0 = Ptx.ExpOfNonPositive(logits.X0 - now),
                X1 = Ptx.ExpOfNonPositive(logits.X1 - now),
                X2 = Ptx.ExpOfNonPositive(logits.X2 - now),
                X3 = Ptx.ExpOfNonPositive(logits.X3 - now),
                X4 = Ptx.ExpOfNonPositive(logits.X4 - now),
                X5 = Ptx.ExpOfNonPositive(logits.X5 - now),
                X6 = Ptx.ExpOfNonPositive(logits.X6 - now),
                X7 = Ptx.ExpOfNonPositive(logits.X7 - now),
            };
            float factor = Ptx.ExpOfNonPositive(largest - now);
            float sum = p.X0 + p.X1 + (p.X2 + p.X3) + (p.X4 + p.X5 + (p.X6 + p.X7));
            return new SoftmaxRow
            {
                P = p,
                Largest = now,
                Factor = factor,
                Total = Ptx.MultiplyAdd(total, factor, sum),
            };
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static float Logit(FlashSharedArguments a, float product, long row, int key)
        {
            if (key >= a.Keys) return float.NegativeInfinity;
            float logit = product * a.Scale;
            if (a.RowLogits == 0) return logit;
            int y = key / a.GridWidth, x = key - y * a.GridWidth.Value;
            return logit + ((float*)a.RowLogits)[row * a.GridHeight + y]
                + ((float*)a.ColumnLogits)[row * a.GridWidth.Value + x];
        }
    }
}
