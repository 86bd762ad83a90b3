using Cfr.Kernels;
using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.TestKit;

/// <summary>
/// SAM's image encoder ViT-B on images of 1024x1024: a forward pass, or a training step of a LoRA (rank 4 on q and v of
/// every block, all else frozen; the loss is a weighted sum of the embedding; AdamW).
/// </summary>
public sealed class SamEncoderStep
{
    readonly Session _session;
    readonly ImageEncoder _encoder;
    readonly AdamW? _optimizer;
    readonly Tensor _image;
    readonly RepeatedWork _gradients;

    /// <summary>An encoder with random weights, and random images.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="batch">Images.</param>
    /// <param name="trains">A training step, or a forward pass.</param>
    /// <param name="checkpointing">Whether blocks are computed again in the backward pass.</param>
    public SamEncoderStep(Device device, int batch, bool trains, bool checkpointing = false)
    {
        _session = new Session(device, seed: 1);
        var weights = new Weights(_session);
        _encoder = new ImageEncoder(weights / "image_encoder", SamConfiguration.ViTB) { Checkpointing = checkpointing };
        if (trains) _optimizer = new AdamW(SamLora.Attach(weights).Parameters, learningRate: 1e-3f);
        _image = _session.Uniform([batch, 1024, 1024, 3], -1, 1);
        _gradients = new RepeatedWork(_session, [_image, _session.Uniform([batch, 64, 64, 256], -1, 1)], of =>
        {
            Tensor embedding = _encoder.Forward(of[0]);
            embedding.Backward(of[1]);
            return embedding;
        });
    }

    /// <summary>Once; on a GPU it may still run on return.</summary>
    public void Run()
    {
        using Scope step = _session.Step();
        if (_optimizer is null)
        {
            using Session.GradMode inference = _session.NoGrad();
            _encoder.Forward(_image);
            return;
        }
        _gradients.Run();
        _optimizer.Step();
        if (!_gradients.IsRecorded) _optimizer.ClearGradients();
    }
}
