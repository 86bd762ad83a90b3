using Cfr.Kernels;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
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
    public Losses Losses(Batch batch, long iteration)
    {
        var random = new RandomNumbers(RandomKey.For(_configuration.Seed, "mosaic", (ulong)iteration));
        Mosaic mosaic = _sam.MosaicOf(batch.Patch).Draw(random);
        Tensor canvases = mosaic.Images(Bent(batch, random)), labels = mosaic.Labels(batch.LabelTensor(_session));
        if (_configuration.TurnCanvas)
        {
            RotateFlip turn = RotateFlip.Draw(random);
            (canvases, labels) = (turn.Apply(canvases), turn.Apply(labels));
        }
        SegmentationLosses losses = _configuration.Loss.Of(_sam.CanvasLogits(canvases), labels);
        return new Losses(losses.Total, [("crossEntropy", losses.CrossEntropy), ("dice", losses.Dice)]);
    }

    /// <summary>The images with the grey values of some slices bent.</summary>
    Tensor Bent(Batch batch, RandomNumbers random)
    {
        if (_configuration.Grey.Probability == 0) return batch.ImageTensor(_session);
        float[] images = batch.Images.ToArray();
        int voxels = (int)batch.Patch.Voxels;
        for (int i = 0; i < batch.Count; i++)
            _configuration.Grey.Apply(images.AsSpan(i * voxels, voxels), batch.Patch, random);
        return _session.Tensor(images, [batch.Count, batch.Patch.X, batch.Patch.Y, batch.Patch.Z, 1]);
    }
}
