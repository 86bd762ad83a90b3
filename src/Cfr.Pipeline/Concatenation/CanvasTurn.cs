using Cfr.Pipeline.Datasets;
using Cfr.Tensors;

namespace Cfr.Pipeline.Concatenation;

/// <summary>The turns and flips of patches, for whole canvases: images <c>[N, S, S, C]</c>, labels <c>[N, S, S]</c>.</summary>
public static class CanvasTurn
{
    /// <summary>Turns in the plane of axes 1 and 2, then flips; <see cref="RotateFlip"/> says how.</summary>
    public static Tensor Apply(this RotateFlip turn, Tensor canvases)
    {
        if (canvases.Rank is not (3 or 4))
            throw new ArgumentException($"RotateFlip: canvases have shape {canvases.Shape}; expected [N, S, S, C] or [N, S, S]");
        // out[i, j] = in[j, n - 1 - i] is the transpose with its rows reversed.
        Tensor turned = turn.Quarters % 2 == 0 ? canvases
            : canvases.Rank == 4 ? canvases.Permute(0, 2, 1, 3) : canvases.Permute(0, 2, 1);
        bool rows = turn.Quarters is 1 or 2, columns = turn.Quarters is 2 or 3;
        if (turn.Axis == 0) rows = !rows;
        else columns = !columns;
        return rows && columns ? turned.Flip(1, 2) : rows ? turned.Flip(1) : columns ? turned.Flip(2) : turned;
    }
}
