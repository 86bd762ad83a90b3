using ILGPU;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="AttentionRowTerms"/>.</summary>
struct RowTermsArguments
{
    public TokenRows Y, Dy;
    public long LogSumExp, Terms;
    /// <summary>Rows of a head, padded.</summary>
    public Divisor Padded;

    public Divisor Heads;
    public WindowGrid Windows;
    public int HeadWidth, Queries, Rows;
}

/// <summary>
/// What the gradient of logits takes from its row, side by side: L log2(e), the log of the sum of exponentials to base
/// 2, and D, the sum of dy y. Rows are padded to whole tiles, with L infinite: no probability; so are those of tokens
/// outside the image.
/// Bytes: 8 HeadWidth + 12 a query. Eight threads share a query.
/// </summary>
static unsafe class AttentionRowTerms
{
    /// <summary>Bytes of a row's terms.</summary>
    public const int Bytes = 2 * sizeof(float);

    public const float Log2OfE = 1.44269502f;

    const int Team = 8;

    static readonly Kernel<RowTermsArguments> Kernel = new("attention_row_terms", Run);

    /// <summary>Rows of a head, padded.</summary>
    public static int Padded(int queries) => (queries + HeadTile.OwnRows - 1) / HeadTile.OwnRows * HeadTile.OwnRows;

    /// <summary>[Batch, Heads, Padded, 2] in scratch memory, to be released after the launches that read it.</summary>
    public static DeviceBuffer Compute(GpuDevice gpu, AttentionShape shape, Tokens y, Tokens dy, View logSumExp)
    {
        int padded = Padded(shape.Queries), heads = shape.Batch * shape.Heads;
        long rows = (long)heads * padded;
        DeviceBuffer terms = gpu.Pool.Rent(rows * Bytes);
        var arguments = new RowTermsArguments
        {
            Y = new TokenRows(y),
            Dy = new TokenRows(dy),
            LogSumExp = logSumExp.Address,
            Terms = terms.Address,
            Padded = new Divisor(padded),
            Heads = new Divisor(shape.Heads),
            Windows = new WindowGrid(shape),
            HeadWidth = shape.HeadWidth,
            Queries = shape.Queries,
            Rows = checked((int)rows),
        };
        gpu.LaunchOver(Kernel, arguments, rows * Team);
        return terms;
    }

    static void Run(RowTermsArguments a)
    {
        int thread = Group.IdxX, rank = thread % Team, teams = Group.DimX / Team;
        for (int first = Grid.IdxX * teams; first < a.Rows; first += Grid.DimX * teams)
        {
            int row = first + thread / Team, image = row / a.Padded, query = row - image * a.Padded.Value;
            int batch = image / a.Heads, head = image - batch * a.Heads.Value;
            TokenWindow window = TokenWindow.Of(a.Windows, batch);
            long place = row < a.Rows && query < a.Queries
                ? TokenRows.Row(a.Y, a.Windows, window, query, head * a.HeadWidth)
                : 0;
            bool isInside = place != 0;
            float sum = 0;
            if (isInside)
            {
                float* y = (float*)place;
                float* dy = (float*)TokenRows.Row(a.Dy, a.Windows, window, query, head * a.HeadWidth);
                for (int c = rank; c < a.HeadWidth; c += Team) sum = Ptx.MultiplyAdd(y[c], dy[c], sum);
            }
            sum += Warp.ShuffleXor(sum, 4);
            sum += Warp.ShuffleXor(sum, 2);
            sum += Warp.ShuffleXor(sum, 1);
            if (row >= a.Rows || rank != 0) continue;
            float* terms = (float*)a.Terms + 2L * row;
            terms[0] = isInside
                ? ((float*)a.LogSumExp)[image * a.Queries + query] * Log2OfE
                : float.PositiveInfinity;
            terms[1] = sum;
        }
    }
}
