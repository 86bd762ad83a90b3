using Cfr.Kernels;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.FineTuning;

/// <summary>
/// Fine-tunes SAM on mosaics of labelled cases: the encoder through LoRA, the decoder and the embedding of "no mask"
/// themselves. L = 1/2 (cross-entropy + Dice) at the canvas's full size (Equation 5 of the paper; Zhang 2023, "SAMed").
/// </summary>
public sealed class SamFineTuning : IMethod
{
    readonly Session _session;
    readonly FineTuningConfiguration _configuration;
    readonly MosaicSam _sam;

    /// <summary>Loads SAM and freezes what does not train.</summary>
    /// <exception cref="ArgumentException">The patch does not fit the model's input.</exception>
    /// <exception cref="BadDataException">The checkpoint is none of SAM.</exception>
    public SamFineTuning(Session session, FineTuningConfiguration configuration, DataSet data)
    {
        (_session, _configuration) = (session, configuration);
        _sam = MosaicSamFile.Begin(session, configuration, data.Classes.Count);
        _sam.Sam.ImageEncoder.Checkpointing = configuration.Checkpointing;
        AdamWConfiguration adamW = configuration.AdamW;
        Weight[] trained = [.. _sam.Weights.Parameters.Where(weight => weight.Tensor.RequiresGrad)];
        State = new Dictionary<string, IReadOnlyList<Weight>> { ["sam"] = trained };
        Optimizers = new Dictionary<string, Optimizer>
        {
            ["sam"] = new AdamW([new ParameterGroup(trained, adamW.WeightDecay)], (float)adamW.LearningRate, adamW.Beta1, adamW.Beta2),
        };
        Cases = configuration.LabelledCases(data);
        Sampler = new ShuffledSampler(Cases.Count, configuration.Batch, configuration.Seed);
    }

    /// <inheritdoc/>
    public IVolumeNetwork Network => _sam;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, IReadOnlyList<Weight>> State { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Optimizer> Optimizers { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Case> Cases { get; }

    /// <inheritdoc/>
    public IBatchSampler Sampler { get; }

    /// <inheritdoc/>
    public string Origin => _sam.Origin.Hash ?? "";

    /// <summary>Canvases <c>[N, S, S, 1]</c> and their labels <c>[N, S, S]</c>.</summary>
    public StepInputs Inputs(Batch batch, long iteration)
    {
        Tensor images = batch.ImageTensor(_session), classes = batch.LabelTensor(_session);
        var samples = Enumerable.Range(0, batch.Count)
            .Select(i => Sample(images.Slice(0, i, 1), classes.Slice(0, i, 1), DrawsOf(iteration, i))).ToArray();
        Tensor canvases = samples[0].Canvas.Concat(0, [.. samples.Skip(1).Select(sample => sample.Canvas)]);
        Tensor labels = samples[0].Label.Concat(0, [.. samples.Skip(1).Select(sample => sample.Label)]);
        return new StepInputs(canvases, labels);
    }

    /// <inheritdoc/>
    public Losses Losses(StepInputs inputs)
    {
        SegmentationLosses losses = _configuration.Loss.Of(_sam.CanvasLogits(inputs.Images), inputs.Labels);
        return new Losses(losses.Total, [("crossEntropy", losses.CrossEntropy), ("dice", losses.Dice)]);
    }

    /// <summary>A sample's canvas [1, S, S, 1] and its label [1, S, S]: grey values bent, laid out, perhaps turned.</summary>
    (Tensor Canvas, Tensor Label) Sample(Tensor image, Tensor classes, RandomNumbers random)
    {
        var patch = new GridSize(image.Size(1), image.Size(2), image.Size(3));
        image = GreyAugmentation.Apply(image, _configuration.Grey.Draw(patch.Z, random));
        Mosaic mosaic = _sam.MosaicOf(patch).Draw(random);
        Tensor canvas = mosaic.Images(image), label = mosaic.Labels(classes);
        if (!_configuration.TurnCanvas) return (canvas, label);
        RotateFlip turn = RotateFlip.Draw(random);
        return (turn.Apply(canvas), turn.Apply(label));
    }

    /// <summary>What is drawn for a sample: first the curves of its grey values, then the rest.</summary>
    RandomNumbers DrawsOf(long iteration, int slot) =>
        new(RandomKey.For(_configuration.Seed, "mosaic", (ulong)iteration << 16 | (uint)slot));
}
