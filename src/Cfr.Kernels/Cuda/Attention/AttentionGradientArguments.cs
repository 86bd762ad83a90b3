using System.Runtime.CompilerServices;

namespace Cfr.Kernels.Cuda;

/// <summary>Arguments of <see cref="KeyGradient"/> and <see cref="QueryGradient"/>.</summary>
struct AttentionGradientArguments
{
    /// <summary>Heads apart (<see cref="HeadPack"/>) and what belongs to rows (<see cref="AttentionRowTerms"/>).</summary>
    public long Q, K, V, Dy, RowTerms;

    /// <summary>
    /// Logits of relative positions (<see cref="RelativeLogits"/>) and their gradients; 0 where there are none.
    /// </summary>
    public long Rh, Rw, DRh, DRw;

    public TokenRows Dq, Dk, Dv;
    public KeyGrid Grid;
    public Divisor Heads;
    public WindowGrid Windows;
    public int Queries, PaddedQueries, HeadWidth;
    public float Scale;

    /// <summary>Tiles of keys along a segment of the grid.</summary>
    public Divisor TilesOfSegment;

    /// <summary>All tiles of keys; the head, of all batch entries, that the grid's z = 0 stands for.</summary>
    public int KeyTiles, FirstHead;

    /// <summary>Where this lane stores its rows of a strip: tokens, negative where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static StripTarget Target(AttentionGradientArguments a, TokenRows rows, int image, int upper, int lower)
    {
        int batch = image / a.Heads, head = image - batch * a.Heads.Value;
        TokenWindow window = TokenWindow.Of(a.Windows, batch);
        return new StripTarget
        {
            Upper = upper < 0 ? 0 : TokenRows.Row(rows, a.Windows, window, upper, head * a.HeadWidth),
            Lower = lower < 0 ? 0 : TokenRows.Row(rows, a.Windows, window, lower, head * a.HeadWidth),
            Columns = a.HeadWidth,
        };
    }
}
