using System.Runtime.CompilerServices;
using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="NaiveAttention"/>; tables are 0 where there are none.</summary>
struct AttentionArguments
{
    public TokenRows Q, K, V, Y, Dy, Dq, Dk, Dv;
    public long Height, Width, DHeight, DWidth;

    /// <summary>Log of the sum of exponentials and sum of dy y, both [Batch, Heads, Queries].</summary>
    public long LogSumExp, Delta;
    public WindowGrid Windows;
    public int Batch, Heads, Queries, Keys, HeadWidth, GridHeight, GridWidth;
    public float Scale;
}

/// <summary>
/// Attention, rung 1: one thread an element of a result, which computes every logit that it needs anew, so that nothing
/// of size Queries x Keys is stored. s = logits, L = log of the sum of exponentials of a row, D = row sum of dy y:
///   p = exp(s - L)      y = p v      ds = p (dy v - D)
///   dq = ds (Scale k + tables)      dk = Scale ds q      dv = p dy      dTable[r] = sum over the pairs at r of ds q
/// Logits cost 2 HeadWidth FLOP, or 6 with tables; the forward pass computes each HeadWidth + 1 times. Queries outside
/// the image are passed over.
/// </summary>
static unsafe class NaiveAttention
{
    /// <summary>L of each query, in one pass: with a new largest logit the sum so far is scaled down.</summary>
    public static void Statistics(AttentionArguments a)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int row = thread; row < a.Batch * a.Heads * a.Queries; row += threads)
        {
            int query = row % a.Queries, head = row / a.Queries % a.Heads, batch = row / a.Queries / a.Heads;
            if (IsOutside(a, batch, query)) continue;
            float largest = Logit(a, batch, head, query, 0), sum = 1;
            for (int key = 1; key < a.Keys; key++)
            {
                float logit = Logit(a, batch, head, query, key), next = Ptx.Max(largest, logit);
                sum = Ptx.MultiplyAdd(sum, Exp(largest - next), Exp(logit - next));
                largest = next;
            }
            ((float*)a.LogSumExp)[row] = largest + Logarithm.Apply(new Lane(sum)).Value;
        }
    }

    public static void Output(AttentionArguments a)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < a.Batch * a.Heads * a.Queries * a.HeadWidth; item += threads)
        {
            int c = item % a.HeadWidth, row = item / a.HeadWidth;
            int query = row % a.Queries, head = row / a.Queries % a.Heads, batch = row / a.Queries / a.Heads;
            if (IsOutside(a, batch, query)) continue;
            float sum = 0;
            for (int key = 0; key < a.Keys; key++)
            {
                float p = Probability(a, batch, head, query, key);
                sum = Ptx.MultiplyAdd(p, Row(a, a.V, batch, head, key)[c], sum);
            }
            Row(a, a.Y, batch, head, query)[c] = sum;
        }
    }

    /// <summary>D of each query.</summary>
    public static void Delta(AttentionArguments a)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int row = thread; row < a.Batch * a.Heads * a.Queries; row += threads)
        {
            int query = row % a.Queries, head = row / a.Queries % a.Heads, batch = row / a.Queries / a.Heads;
            if (IsOutside(a, batch, query)) continue;
            ((float*)a.Delta)[row] = Dot(
                Row(a, a.Dy, batch, head, query), Row(a, a.Y, batch, head, query), a.HeadWidth);
        }
    }

    public static void QueryGradient(AttentionArguments a)
    {
        float* height = (float*)a.Height, width = (float*)a.Width;
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < a.Batch * a.Heads * a.Queries * a.HeadWidth; item += threads)
        {
            int c = item % a.HeadWidth, row = item / a.HeadWidth;
            int query = row % a.Queries, head = row / a.Queries % a.Heads, batch = row / a.Queries / a.Heads;
            if (IsOutside(a, batch, query)) continue;
            float sum = 0;
            for (int key = 0; key < a.Keys; key++)
            {
                float factor = a.Scale * Row(a, a.K, batch, head, key)[c];
                if (a.Height != 0)
                    factor += height[HeightRow(a, query, key) * a.HeadWidth + c]
                        + width[WidthRow(a, query, key) * a.HeadWidth + c];
                sum = Ptx.MultiplyAdd(LogitGradient(a, batch, head, query, key), factor, sum);
            }
            Row(a, a.Dq, batch, head, query)[c] = sum;
        }
    }

    public static void KeyAndValueGradient(AttentionArguments a)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < a.Batch * a.Heads * a.Keys * a.HeadWidth; item += threads)
        {
            int c = item % a.HeadWidth, row = item / a.HeadWidth;
            int key = row % a.Keys, head = row / a.Keys % a.Heads, batch = row / a.Keys / a.Heads;
            float ofKey = 0, ofValue = 0;
            for (int query = 0; query < a.Queries; query++)
            {
                if (IsOutside(a, batch, query)) continue;
                float ds = LogitGradient(a, batch, head, query, key), p = Probability(a, batch, head, query, key);
                ofKey = Ptx.MultiplyAdd(ds, a.Scale * Row(a, a.Q, batch, head, query)[c], ofKey);
                ofValue = Ptx.MultiplyAdd(p, Row(a, a.Dy, batch, head, query)[c], ofValue);
            }
            long toKey = Address(a, a.Dk, batch, head, key), toValue = Address(a, a.Dv, batch, head, key);
            if (toKey != 0) ((float*)toKey)[c] = ofKey;
            if (toValue != 0) ((float*)toValue)[c] = ofValue;
        }
    }

    /// <summary>dHeight[r, c]: over the pairs whose rows of the grid differ by r - (GridHeight - 1).</summary>
    public static void HeightGradient(AttentionArguments a)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < (2 * a.GridHeight - 1) * a.HeadWidth; item += threads)
        {
            int c = item % a.HeadWidth, offset = item / a.HeadWidth - (a.GridHeight - 1);
            float sum = 0;
            for (int row = 0; row < a.Batch * a.Heads * a.Queries; row++)
            {
                int query = row % a.Queries, head = row / a.Queries % a.Heads, batch = row / a.Queries / a.Heads;
                if (IsOutside(a, batch, query)) continue;
                int y = query / a.GridWidth - offset;
                if (y < 0 || y >= a.GridHeight) continue;
                float ds = 0;
                for (int x = 0; x < a.GridWidth; x++)
                    ds += LogitGradient(a, batch, head, query, y * a.GridWidth + x);
                sum = Ptx.MultiplyAdd(ds, Row(a, a.Q, batch, head, query)[c], sum);
            }
            ((float*)a.DHeight)[item] = sum;
        }
    }

    /// <summary>dWidth[r, c]: over the pairs whose columns of the grid differ by r - (GridWidth - 1).</summary>
    public static void WidthGradient(AttentionArguments a)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, threads = Grid.DimX * Group.DimX;
        for (int item = thread; item < (2 * a.GridWidth - 1) * a.HeadWidth; item += threads)
        {
            int c = item % a.HeadWidth, offset = item / a.HeadWidth - (a.GridWidth - 1);
            float sum = 0;
            for (int row = 0; row < a.Batch * a.Heads * a.Queries; row++)
            {
                int query = row % a.Queries, head = row / a.Queries % a.Heads, batch = row / a.Queries / a.Heads;
                if (IsOutside(a, batch, query)) continue;
                int x = query % a.GridWidth - offset;
                if (x < 0 || x >= a.GridWidth) continue;
                float ds = 0;
                for (int y = 0; y < a.GridHeight; y++)
                    ds += LogitGradient(a, batch, head, query, y * a.GridWidth + x);
                sum = Ptx.MultiplyAdd(ds, Row(a, a.Q, batch, head, query)[c], sum);
            }
            ((float*)a.DWidth)[item] = sum;
        }
    }

    static float Logit(AttentionArguments a, int batch, int head, int query, int key)
    {
        float* q = Row(a, a.Q, batch, head, query);
        float logit = a.Scale * Dot(q, Row(a, a.K, batch, head, key), a.HeadWidth);
        if (a.Height == 0) return logit;
        logit += Dot(q, (float*)a.Height + HeightRow(a, query, key) * a.HeadWidth, a.HeadWidth);
        return logit + Dot(q, (float*)a.Width + WidthRow(a, query, key) * a.HeadWidth, a.HeadWidth);
    }

    static float Probability(AttentionArguments a, int batch, int head, int query, int key) =>
        Exp(Logit(a, batch, head, query, key) - ((float*)a.LogSumExp)[(batch * a.Heads + head) * a.Queries + query]);

    static float LogitGradient(AttentionArguments a, int batch, int head, int query, int key)
    {
        float* dy = Row(a, a.Dy, batch, head, query);
        float dp = Dot(dy, Row(a, a.V, batch, head, key), a.HeadWidth);
        float delta = ((float*)a.Delta)[(batch * a.Heads + head) * a.Queries + query];
        return Probability(a, batch, head, query, key) * (dp - delta);
    }

    static float Dot(float* u, float* v, int count)
    {
        float sum = 0;
        for (int c = 0; c < count; c++) sum = Ptx.MultiplyAdd(u[c], v[c], sum);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float* Row(AttentionArguments a, TokenRows rows, int batch, int head, int token) =>
        (float*)Address(a, rows, batch, head, token);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static long Address(AttentionArguments a, TokenRows rows, int batch, int head, int token) =>
        TokenRows.Row(rows, a.Windows, TokenWindow.Of(a.Windows, batch), token, head * a.HeadWidth);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool IsOutside(AttentionArguments a, int batch, int query) => Address(a, a.Q, batch, 0, query) == 0;

    static int HeightRow(AttentionArguments a, int query, int key) =>
        query / a.GridWidth - key / a.GridWidth + a.GridHeight - 1;

    static int WidthRow(AttentionArguments a, int query, int key) =>
        query % a.GridWidth - key % a.GridWidth + a.GridWidth - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Exp(float x) => Exponential.Apply(new Lane(x)).Value;
}
