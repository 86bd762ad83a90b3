using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Pretraining;

/// <summary>
/// Trains a SAM from scratch to segment what prompts point at. A drawing is encoded once for all its prompts: points, which are ambiguous,
/// so that the best of several masks counts, and boxes, which have one answer. In every second iteration each point is followed by a click
/// where its mask was wrong, with that mask as a prompt of its own, and has one answer then.
/// </summary>
public sealed class Pretraining : ITrained
{
    readonly Session _session;
    readonly PretrainingConfiguration _configuration;

    /// <summary>Builds the model, with initial values by the session's seed.</summary>
    public Pretraining(Session session, PretrainingConfiguration configuration)
    {
        (_session, _configuration) = (session, configuration);
        var weights = new Weights(session);
        Sam = new Sam(weights, configuration.Sam);
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
        PromptLossConfiguration weights = _configuration.Loss;
        Tensor total = focal * weights.Focal + dice * weights.Dice + quality * weights.Quality;
        return (new Losses(total, [("focal", focal), ("dice", dice), ("quality", quality)]), first.Overlap);

        Tensor Mean(Func<PromptLosses, Tensor> part) => groups.Select(part).Aggregate((sum, each) => sum + each) * (1f / groups.Count);
    }

    static bool IsDecayed(Weight weight) => weight.Tensor.Rank >= 2
        && !weight.Name.Contains("_pos_") && !weight.Name.Contains("pos_embed") && !weight.Name.Contains("embed")
        && !weight.Name.Contains("_token");
}
