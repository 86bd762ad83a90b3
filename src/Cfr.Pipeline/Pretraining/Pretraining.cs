using Cfr.Models;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Pretraining;

/// <summary>
/// Trains a SAM from scratch to segment what prompts point at. A drawing is encoded once for all its prompts: points, which are
/// ambiguous, so that the best of several masks counts, and boxes, which have one answer. In every second iteration each point is
/// followed by a click where its mask was wrong, with that mask as a prompt of its own, and has one answer then. Without prompts, as a
/// fine-tuned model works, mask 0 is to be all objects, mask 1 their borders, and mask 2 the greys as they were drawn, before blur,
/// uneven light and noise: so the embedding cannot forget what a place looks like.
/// </summary>
public sealed class Pretraining : ITrained
{
    /// <summary>At the place of a prompt attention is about e^4 times what it is far from it.</summary>
    const float AttentionGain = 3;

    readonly Session _session;
    readonly PretrainingConfiguration _configuration;

    /// <summary>Builds the model, with the weights it is to begin with, or initial values by the session's seed.</summary>
    /// <exception cref="BadDataException">The file of weights does not fit.</exception>
    public Pretraining(Session session, PretrainingConfiguration configuration)
    {
        (_session, _configuration) = (session, configuration);
        var weights = new Weights(session);
        Sam = new Sam(weights, configuration.Sam);
        if (configuration.Start is { } start) SamFile.LoadInto(Sam, start);
        else PointAtPlaces(weights);
        State = new Dictionary<string, IReadOnlyList<Weight>> { ["sam"] = [.. weights.All] };
        var decayed = weights.Parameters.ToLookup(IsDecayed);
        Optimizer = new AdamW(
            [new ParameterGroup([.. decayed[true]], configuration.WeightDecay), new ParameterGroup([.. decayed[false]])],
            (float)configuration.LearningRate, beta2: configuration.Beta2);
    }

    /// <summary>The model.</summary>
    public Sam Sam { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, IReadOnlyList<Weight>> State { get; }

    /// <inheritdoc/>
    public Optimizer Optimizer { get; }

    /// <summary>The batch of an iteration.</summary>
    internal PromptBatch Batch(long iteration) => PromptBatch.Draw(
        _configuration.Seed, (ulong)iteration * (ulong)_configuration.Batch, _configuration.Batch, _configuration.Prompts,
        _configuration.Sam);

    /// <summary>The losses of a batch: means over the groups of prompts.</summary>
    internal (Losses Losses, float Overlap) Losses(PromptBatch batch, long iteration)
    {
        Tensor embedding = Sam.Embed(batch.ImageTensor(_session));
        Tensor ofPoints = batch.Points.Of(embedding), targets = batch.Points.TargetTensor(_session);
        Prompts points = batch.Points.AsPoints(_session);
        PromptLosses first = PromptLoss.Of(Sam.Predict(ofPoints, points), targets, isAmbiguous: true);
        PromptLosses boxes = PromptLoss.Of(
            Sam.Predict(batch.Boxes.Of(embedding), batch.Boxes.AsBoxes(_session)), batch.Boxes.TargetTensor(_session),
            isAmbiguous: false);
        List<PromptLosses> groups = [first, boxes];
        if (iteration % 2 == 1)
        {
            Prompts corrected = Correction.Of(batch.Points, first.Logits, _configuration.Sam, _configuration.Seed, iteration);
            groups.Add(PromptLoss.Of(Sam.Predict(ofPoints, corrected), targets, isAmbiguous: false));
        }

        Tensor focal = Mean(group => group.Focal), dice = Mean(group => group.Dice), quality = Mean(group => group.Quality);
        var (found, greys) = Unprompted(embedding);
        var (sceneFocal, sceneDice) = PromptLoss.Of(found, batch.SceneTensor(_session));
        Tensor picture = (greys - batch.GreyTensor(_session)).Square().Mean();
        PromptLossConfiguration weights = _configuration.Loss;
        Tensor scene = sceneFocal * weights.Focal + sceneDice * weights.Dice;
        Tensor total = focal * weights.Focal + dice * weights.Dice + quality * weights.Quality
            + scene * weights.Scene + picture * weights.Picture;
        (string, Tensor)[] parts = [("focal", focal), ("dice", dice), ("quality", quality), ("scene", scene), ("picture", picture)];
        return (new Losses(total, parts), first.Overlap);

        Tensor Mean(Func<PromptLosses, Tensor> part) => groups.Select(part).Aggregate((sum, each) => sum + each) * (1f / groups.Count);
    }

    /// <summary>
    /// In the decoder's attention between tokens and image, keys are projected as queries are, so that from the first step on a prompt
    /// looks at its surroundings, and they at it: the product of two places' codes falls with their distance. With independent
    /// projections of the usual size attention is all but uniform at first, and it takes long before prompts mean anything.
    /// </summary>
    static void PointAtPlaces(Weights weights)
    {
        foreach (Weight query in weights.Matching("mask_decoder.transformer.*_attn_*.q_proj.weight"))
        {
            float[] values = [.. query.Tensor.ToArray().Select(value => AttentionGain * value)];
            query.Tensor.Set(values);
            weights[query.Name.Replace("q_proj", "k_proj")].Set(values);
        }
    }

    /// <summary>
    /// What is said without prompts: masks 0 and 1 of the first image, of the second one, .. [2 B, 4g 4g, 1], and mask 2 [B, 4g 4g].
    /// </summary>
    (Tensor Scenes, Tensor Greys) Unprompted(Tensor embedding)
    {
        const int scenes = PromptBatch.SceneMasks;
        Tensor logits = Sam.Decode(embedding);
        int images = logits.Size(0), places = logits.Size(1) * logits.Size(2);
        Tensor masks = logits.Slice(^1, 0, scenes).Reshape(images, places, scenes).Permute(0, 2, 1);
        return (masks.Reshape(images * scenes, places, 1), logits.Slice(^1, scenes, 1).Reshape(images, places));
    }

    static bool IsDecayed(Weight weight) => weight.Tensor.Rank >= 2
        && !weight.Name.Contains("rel_pos") && !weight.Name.Contains("_embed.weight") && !weight.Name.Contains("pos_embed")
        && !weight.Name.Contains("point_embeddings") && !weight.Name.Contains("_token");
}
