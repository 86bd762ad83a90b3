using Cfr.Kernels;
using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Bench;

/// <summary>
/// SAM's image encoder ViT-B on one image of 1024x1024: <c>forward</c>, or a <c>LoRA training step</c> (rank 4 on q and v of every
/// block, all else frozen; the loss is a weighted sum of the embedding; AdamW).
/// </summary>
sealed class SamEncoderWork : IWork
{
    /// <summary>Its name in a line <c>CASE | PHASE</c>.</summary>
    public const string Name = "SAM ViT-B encoder: 1024x1024, batch 1";

    const string Forward = "forward", TrainingStep = "LoRA training step";

    readonly Session _session;
    readonly ImageEncoder _encoder;
    readonly AdamW? _optimizer;
    readonly Tensor _image, _upstream;

    public SamEncoderWork(Device device, string phase)
    {
        if (phase is not (Forward or TrainingStep))
            throw new ArgumentException($"'{Name}' has no phase '{phase}'; expected '{Forward}' or '{TrainingStep}'");
        _session = new Session(device, seed: 1);
        var weights = new Weights(_session);
        _encoder = new ImageEncoder(weights / "image_encoder", SamConfiguration.ViTB);
        if (phase == TrainingStep) _optimizer = new AdamW(SamLora.Attach(weights).Parameters, learningRate: 1e-3f);
        _image = _session.Uniform([1, 1024, 1024, 3], -1, 1);
        _upstream = _session.Uniform([1, 64, 64, 256], -1, 1);
    }

    public double Seconds()
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        using (_session.Step())
        {
            if (_optimizer is null)
                Predict();
            else
                Train(_optimizer);
        }
        _session.Device.Synchronize();
        return clock.Elapsed.TotalSeconds;
    }

    public long PeakBytes() => ProcessMemory.Peak();

    void Predict()
    {
        using Session.GradMode inference = _session.NoGrad();
        _encoder.Forward(_image);
    }

    void Train(AdamW optimizer)
    {
        _encoder.Forward(_image).Backward(_upstream);
        optimizer.Step();
        optimizer.ClearGradients();
    }
}
