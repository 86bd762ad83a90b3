using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// SAM's prompt encoder (Kirillov 2023, section 3). A point is the Fourier code of its place plus a learned vector of
/// its label, a box two such points, a mask three convolutions that bring it to the grid of the image's embedding.
/// </summary>
public sealed class PromptEncoder : Module
{
    const float HalfPixel = 0.5f, Epsilon = 1e-6f;

    readonly SamConfiguration _configuration;
    readonly FourierCode _code;
    readonly Tensor[] _pointEmbeddings;
    readonly Tensor _notAPoint, _noMask;
    readonly Layer _maskDownscaling;

    /// <summary>Creates its weights.</summary>
    public PromptEncoder(Weights w, SamConfiguration configuration) : base(w)
    {
        _configuration = configuration;
        int width = configuration.PromptWidth, wide = configuration.MaskPromptChannels, narrow = wide / 4;
        _code = new FourierCode(w / "pe_layer", width);
        _pointEmbeddings = [.. Enumerable.Range(0, 4).Select(i => Vector(w / "point_embeddings" / i, width))];
        _notAPoint = Vector(w / "not_a_point_embed", width);
        Weights mask = w / "mask_downscaling";
        _maskDownscaling = new Sequential(mask,
            new Conv2d(mask / 0, 1, narrow, kernel: 2, stride: 2),
            new LayerNorm(mask / 1, narrow, Epsilon),
            new Function(mask, UnaryOps.Gelu),
            new Conv2d(mask / 3, narrow, wide, kernel: 2, stride: 2),
            new LayerNorm(mask / 4, wide, Epsilon),
            new Function(mask, UnaryOps.Gelu),
            new Conv2d(mask / 6, wide, width, kernel: 1));
        _noMask = Vector(w / "no_mask_embed", width);
    }

    /// <summary>Codes of the places of the image's embedding: [1, g, g, D].</summary>
    public Tensor DensePositions() => _code.Grid(Weights.Session, _configuration.Grid, _configuration.Grid);

    /// <summary>Points, then boxes; masks, or the vector that says that there is none.</summary>
    /// <exception cref="ArgumentException">A part has another shape or number of prompts than the others.</exception>
    public PromptEmbedding Forward(Prompts prompts)
    {
        Check(prompts);
        Session session = Weights.Session;
        using Scope scope = session.Scope();
        Tensor? points = prompts.Points is { } places ? Points(places, prompts.Labels!, padded: prompts.Boxes is null) : null;
        Tensor? boxes = prompts.Boxes is { } corners ? Boxes(corners) : null;
        Tensor? sparse = points is not null && boxes is not null ? points.Concat(1, boxes) : points ?? boxes;
        Tensor dense = prompts.Masks is { } masks ? _maskDownscaling.Forward(masks) : _noMask.Reshape(1, 1, 1, -1);
        if (sparse is not null) scope.Return(sparse);
        return new PromptEmbedding(sparse, scope.Return(dense));
    }

    /// <summary>
    /// [P, N, 2] -> [P, N, D]. Where no box follows, one token more says that the points are all there is.
    /// </summary>
    Tensor Points(Tensor places, Tensor labels, bool padded)
    {
        Session session = places.Session;
        int prompts = places.Size(0), count = places.Size(1), all = padded ? count + 1 : count;
        int[] given = labels.ToIntArray(), kinds = new int[prompts * all];
        for (int prompt = 0; prompt < prompts; prompt++)
            given.AsSpan(prompt * count, count).CopyTo(kinds.AsSpan(prompt * all));
        for (int prompt = 0; padded && prompt < prompts; prompt++) kinds[prompt * all + count] = Prompts.NoPoint;
        if (given.Any(label => label is < Prompts.NoPoint or > Prompts.Foreground))
            throw new ArgumentException("prompts: a point's label is none of 1 (object), 0 (background) and -1 (no point)");
        if (padded) places = places.Concat(1, session.Zeros([prompts, 1, 2]));
        Tensor isPoint = session.Tensor([.. kinds.Select(kind => kind < 0 ? 0f : 1)], [prompts, all, 1]);
        Tensor kind = session.Labels([.. kinds.Select(kind => kind - Prompts.NoPoint)], [prompts, all]);
        Tensor vectors = _notAPoint.Concat(0, _pointEmbeddings[Prompts.Background], _pointEmbeddings[Prompts.Foreground]);
        return Code(places) * isPoint + vectors.Gather(kind);
    }

    /// <summary>[P, 4] -> [P, 2, D], the upper left corner and the lower right one.</summary>
    Tensor Boxes(Tensor corners) =>
        Code(corners.Reshape(-1, 2, 2)) + _pointEmbeddings[2].Concat(0, _pointEmbeddings[3]);

    Tensor Code(Tensor pixels) =>
        _code.Forward(pixels.Affine(1f / _configuration.ImageSize, HalfPixel / _configuration.ImageSize));

    void Check(Prompts prompts)
    {
        int side = 4 * _configuration.Grid;
        Expect(prompts.Points, "points", [-1, -1, 2], "[P, N, 2]");
        Expect(prompts.Boxes, "boxes", [-1, 4], "[P, 4]");
        Expect(prompts.Masks, "masks", [-1, side, side, 1], $"[P, {side}, {side}, 1]");
        Expect(
            prompts.Labels, "labels", prompts.Points is { } points ? [points.Size(0), points.Size(1)] : [-1, -1],
            "[P, N], a label a point");
        if (prompts.Points is null != prompts.Labels is null)
            throw new ArgumentException("prompts: points and labels are given together or not at all");
        Tensor[] parts = [.. new[] { prompts.Points, prompts.Boxes, prompts.Masks }.OfType<Tensor>()];
        if (parts.Select(part => part.Size(0)).Distinct().Count() > 1)
            throw new ArgumentException(
                $"prompts: {string.Join(", ", parts.Select(part => part.Shape))}; expected the same number of prompts everywhere");
    }

    static void Expect(Tensor? part, string name, ReadOnlySpan<int> sizes, string expected)
    {
        if (part is null) return;
        bool fits = part.Rank == sizes.Length && part.Count > 0;
        for (int axis = 0; fits && axis < sizes.Length; axis++) fits = sizes[axis] < 0 || sizes[axis] == part.Size(axis);
        if (!fits) throw new ArgumentException($"prompts: {name} are {part.Shape}; expected {expected}");
    }

    static Tensor Vector(Weights w, int width) => w.Parameter("weight", [1, width], Initialize.Normal(1));
}
