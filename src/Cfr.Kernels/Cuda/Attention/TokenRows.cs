using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>Rows of tokens in a kernel: address and strides, as in <see cref="Tokens"/>.</summary>
struct TokenRows(Tokens tokens)
{
    const int Packet = 4;

    public long Address = tokens.Data.Address, RowStride = tokens.RowStride, BatchStride = tokens.BatchStride;

    /// <summary>
    /// The first of the rows of tokens outside the image, or 0, and elements from one to the next: 0 where they are all
    /// the same, as the keys and values to be read are.
    /// </summary>
    public long Outside = tokens.Outside.Address, OutsideStride;

    /// <summary>Gradients, whose rows outside are apart (see <see cref="OutsideGradient"/>).</summary>
    public static TokenRows OfGradient(AttentionShape shape, Tokens tokens) =>
        new(tokens) { OutsideStride = shape.Heads * shape.HeadWidth };

    /// <summary>
    /// Where a component of a window's token lies; 0 outside the image if there are no rows for that.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Row(
        TokenRows rows, WindowGrid grid, TokenWindow window, int token, int component, int bytes = sizeof(float))
    {
        int row = token / grid.Columns, y = window.Y + row, x = window.X + token - row * grid.Columns.Value;
        if (y < grid.Height && x < grid.Width)
        {
            return rows.Address + (window.Image * rows.BatchStride + (y * grid.Width + x) * rows.RowStride + component)
                * bytes;
        }
        if (rows.Outside == 0) return 0;
        int before = Ptx.Min(y + 1, grid.Height) * grid.Width;
        int number = window.Image * grid.OutsideOfImage + y * grid.PaddedWidth + x - before;
        return rows.Outside + (number * rows.OutsideStride + component) * bytes;
    }

    /// <summary>
    /// Whether every row of every head begins at a multiple of four elements and consists of runs of four.
    /// </summary>
    public static bool HavePackets(AttentionShape shape, DType type, params ReadOnlySpan<TokenRows> operands)
    {
        bool have = shape.HeadWidth % Packet == 0;
        foreach (TokenRows rows in operands)
        {
            have &= (rows.Address | rows.Outside) % (Packet * type.Bytes()) == 0
                && rows.RowStride % Packet == 0 && (shape.Images == 1 || rows.BatchStride % Packet == 0);
        }
        return have;
    }
}

/// <summary>
/// How batch entries lie in images as windows. Without windows each is an image of its own, with all tokens in one row.
/// </summary>
struct WindowGrid(AttentionShape shape)
{
    public Divisor WindowsOfImage = new(shape.WindowsDown * shape.WindowsAcross), Across = new(shape.WindowsAcross);

    /// <summary>Tokens of a window, across and down.</summary>
    public Divisor Columns = new(shape.IsWindowed ? shape.GridWidth : int.MaxValue);
    public int Rows = shape.IsWindowed ? shape.GridHeight : 1;

    /// <summary>Tokens of an image, and across with what windows hang over.</summary>
    public int Height = shape.IsWindowed ? shape.Image.Height : 1;
    public int Width = shape.IsWindowed ? shape.Image.Width : int.MaxValue;
    public int PaddedWidth = shape.IsWindowed ? shape.WindowsAcross * shape.GridWidth : int.MaxValue;

    public int OutsideOfImage = shape.OutsideOfImage;
}

/// <summary>The window that a batch entry is: its image and where in it its first token lies.</summary>
struct TokenWindow
{
    public int Image, Y, X;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TokenWindow Of(WindowGrid grid, int batch)
    {
        int image = batch / grid.WindowsOfImage, window = batch - image * grid.WindowsOfImage.Value;
        int down = window / grid.Across, across = window - down * grid.Across.Value;
        return new TokenWindow { Image = image, Y = down * grid.Rows, X = across * grid.Columns.Value };
    }

    /// <summary>How many tokens there are before all are below the image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int End(WindowGrid grid, TokenWindow window, int tokens) =>
        Ptx.Min(tokens, (grid.Height - window.Y) * grid.Columns.Value);
}
