using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>sam-prompt-encoder</c>: tokens <c>out/WHAT.sparse</c> of <c>in/points</c>, <c>in/labels</c> and
/// <c>in/boxes</c>, maps <c>out/WHAT.dense</c> of <c>in/masks</c>, the codes <c>out/dense_pe</c>; gradients of all
/// together.
/// </summary>
static class PromptEncoderParity
{
    const double Tolerance = 1e-5;

    const ReferenceLayout Image = ReferenceLayout.ChannelsLast;

    public static void Run(ParityRun run)
    {
        ReferenceFile file = run.File;
        PromptEncoder encoder = SamModule.Load(file, new PromptEncoder(new Weights(run.Session, seed: 0), new SamConfiguration
        {
            ImageSize = SamModule.Number(file, "img"),
            PatchSize = SamModule.Number(file, "img") / SamModule.Number(file, "grid"),
            PromptWidth = SamModule.Number(file, "embed"),
            MaskPromptChannels = SamModule.Number(file, "mask_in"),
        }));
        var all = new Prompts
        {
            Points = file.Tensor(run.Session, "in/points"),
            Labels = file.Labels(run.Session, "in/labels"),
            Boxes = file.Tensor(run.Session, "in/boxes"),
            Masks = file.Tensor(run.Session, "in/masks", Image),
        };
        run.Output("out/dense_pe", encoder.DensePositions(), Tolerance, Image);
        PromptEmbedding none = encoder.Forward(Prompts.None);
        run.Output("out/none.sparse", none.Sparse?.ToArray() ?? [], tolerance: 0);
        run.Output("out/none.dense", none.Dense, Tolerance, Image);
        run.Output("out/points.sparse", Sparse(all with { Boxes = null, Masks = null }), Tolerance);
        run.Output("out/boxes.sparse", Sparse(new Prompts { Boxes = all.Boxes }), Tolerance);
        run.Output("out/points_boxes.sparse", Sparse(all), Tolerance);
        run.Output("out/masks.dense", encoder.Forward(new Prompts { Masks = all.Masks }).Dense, Tolerance, Image);
        if (!run.WithGradients || !file.Has("in/upstream_sparse")) return;
        PromptEmbedding together = encoder.Forward(all);
        Tensor loss = (together.Sparse! * file.Tensor(run.Session, "in/upstream_sparse")).Sum()
            + (together.Dense * file.Tensor(run.Session, "in/upstream_dense", Image)).Sum();
        loss.Backward();
        SamModule.CheckGradients(run, encoder, Tolerance);

        Tensor Sparse(Prompts prompts) => encoder.Forward(prompts).Sparse!;
    }
}

/// <summary>
/// Kind <c>sam-two-way-transformer</c>: <c>out/queries</c> and <c>out/keys</c> of <c>in/tokens</c>,
/// <c>in/image_embedding</c> and its codes <c>in/image_pe</c>; the results of each part, <c>mid/..</c>; all gradients.
/// </summary>
static class TwoWayTransformerParity
{
    const double Tolerance = 1e-5, GradientTolerance = 3e-5;

    const ReferenceLayout Image = ReferenceLayout.ChannelsLast;

    public static void Run(ParityRun run)
    {
        ReferenceFile file = run.File;
        TwoWayTransformer transformer = SamModule.Load(file, new TwoWayTransformer(new Weights(run.Session, seed: 0), new SamConfiguration
        {
            PromptWidth = SamModule.Number(file, "dim"),
            DecoderHeads = SamModule.Number(file, "heads"),
            DecoderHidden = SamModule.Number(file, "mlp"),
            DecoderDepth = SamModule.Number(file, "depth"),
        }));
        Tensor tokens = SamModule.Leaf(run, "in/tokens");
        Tensor embedding = SamModule.Leaf(run, "in/image_embedding", Image), codes = SamModule.Leaf(run, "in/image_pe", Image);
        Tensor image = Flat(embedding), places = Flat(codes);
        using (run.Session.NoGrad()) CheckParts(run, transformer, tokens, image, places);

        using Session.GradMode? mode = run.WithGradients ? null : run.Session.NoGrad();
        var (queries, keys) = transformer.Forward(tokens, image, places);
        run.Output("out/queries", queries, Tolerance);
        run.Output("out/keys", keys, Tolerance);
        if (!run.WithGradients || !file.Has("in/upstream_queries")) return;
        Tensor loss = (queries * file.Tensor(run.Session, "in/upstream_queries")).Sum()
            + (keys * file.Tensor(run.Session, "in/upstream_keys")).Sum();
        loss.Backward();
        run.Gradient("grad_in/tokens", tokens.Grad, GradientTolerance);
        run.Gradient("grad_in/image_embedding", embedding.Grad, GradientTolerance, Image);
        run.Gradient("grad_in/image_pe", codes.Grad, GradientTolerance, Image);
        SamModule.CheckGradients(run, transformer, GradientTolerance);

        static Tensor Flat(Tensor map) => map.Reshape(map.Size(0), -1, map.Size(3));
    }

    /// <summary>The blocks once more, part by part.</summary>
    static void CheckParts(ParityRun run, TwoWayTransformer transformer, Tensor tokens, Tensor image, Tensor imagePlaces)
    {
        Tensor places = tokens;
        for (int i = 0; i < transformer.Blocks.Count; i++)
        {
            TwoWayBlock block = transformer.Blocks[i];
            var (after, imageAfter) = block.Forward(tokens, image, places, imagePlaces);
            Tensor placed = i == 0 ? tokens : tokens + places;
            Tensor self = Part("self_attn", block.SelfAttention.Forward(placed, placed, tokens));
            Tensor q = Part("norm1", block.Norms[0].Forward(i == 0 ? self : tokens + self));
            Tensor cross = Part("cross_attn_token_to_image", block.TokensToImage.Forward(q + places, image + imagePlaces, image));
            q = Part("norm2", block.Norms[1].Forward(q + cross));
            q = Part("norm3", block.Norms[2].Forward(q + Part("mlp", block.Mlp.Forward(q))));
            Tensor back = Part("cross_attn_image_to_token", block.ImageToTokens.Forward(image + imagePlaces, q + places, q));
            Part("norm4", block.Norms[3].Forward(image + back));
            (tokens, image) = (Part("queries", after), Part("keys", imageAfter));

            Tensor Part(string name, Tensor got)
            {
                run.Output($"mid/layer{i}.{name}", got, Tolerance);
                return got;
            }
        }
        run.Output("mid/final_attn", transformer.Final.Forward(tokens + places, image + imagePlaces, image), Tolerance);
    }
}

/// <summary>
/// Kind <c>sam-mask-decoder</c>: masks and qualities of an <c>in/image_embedding</c> with prompts <c>in/sparse</c> and
/// <c>in/dense</c>, values on the way, all gradients.
/// </summary>
static class MaskDecoderParity
{
    const double Tolerance = 1e-5, GradientTolerance = 3e-5;

    const ReferenceLayout Image = ReferenceLayout.ChannelsLast;

    public static void Run(ParityRun run)
    {
        ReferenceFile file = run.File;
        int masks = SamModule.Number(file, "num_multimask") + 1;
        MaskDecoder decoder = SamModule.Load(file, new MaskDecoder(new Weights(run.Session, seed: 0), new SamConfiguration
        {
            PromptWidth = SamModule.Number(file, "dim"),
            DecoderHeads = SamModule.Number(file, "heads"),
            DecoderHidden = SamModule.Number(file, "mlp"),
            QualityHidden = SamModule.Number(file, "iou_hidden"),
            Masks = masks,
        }));
        using Session.GradMode? mode = run.WithGradients ? null : run.Session.NoGrad();
        Tensor embedding = SamModule.Leaf(run, "in/image_embedding", Image);
        Tensor sparse = SamModule.Leaf(run, "in/sparse"), dense = SamModule.Leaf(run, "in/dense", Image);
        Tensor codes = file.Tensor(run.Session, "in/image_pe", Image);
        DecodedTokens decoded = decoder.Attend(embedding, codes, new PromptEmbedding(sparse, dense));
        Tensor logits = decoder.Masks(decoded), quality = decoder.Quality(decoded);
        run.Output("mid/tokens_out", decoded.Tokens, Tolerance);
        run.Output("mid/src_out", decoded.Image, Tolerance);
        using (run.Session.NoGrad()) CheckUpscaling(run, decoder, decoded, masks);
        run.Output("out/masks_all", logits, Tolerance, Image);
        run.Output("out/iou_all", quality, Tolerance);
        run.Output("out/iou_single", quality.Slice(1, 0, 1), Tolerance);
        run.Output("out/iou_multi", quality.Slice(1, 1, masks - 1), Tolerance);
        run.Output("out/masks_single_mean", logits.Slice(3, 0, 1).Mean(1, 2), Tolerance);
        run.Output("out/masks_multi_mean", logits.Slice(3, 1, masks - 1).Mean(1, 2), Tolerance);
        if (!run.WithGradients || !file.Has("in/upstream_iou")) return;
        Tensor loss = (logits * file.Tensor(run.Session, "in/upstream_masks_times_invW", Image)).Sum()
            + (quality * file.Tensor(run.Session, "in/upstream_iou")).Sum();
        loss.Backward();
        run.Gradient("grad_in/image_embedding", embedding.Grad, GradientTolerance, Image);
        run.Gradient("grad_in/sparse", sparse.Grad, GradientTolerance);
        run.Gradient("grad_in/dense", dense.Grad, GradientTolerance, Image);
        SamModule.CheckGradients(run, decoder, GradientTolerance);
    }

    static void CheckUpscaling(ParityRun run, MaskDecoder decoder, DecodedTokens decoded, int masks)
    {
        Tensor half = decoder.UpscalingToHalf.Forward(decoded.Image), vectors = decoder.MaskVectors(decoded.Tokens);
        run.Output("mid/upscaling1", half, Tolerance, Image);
        run.Output("mid/upscaling4", decoder.UpscalingToFull.Forward(half), Tolerance, Image);
        for (int t = 0; t < masks; t++) run.Output($"mid/hyper{t}", vectors.Slice(1, t, 1), Tolerance);
    }
}
