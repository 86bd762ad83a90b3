using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.GpuBench;

/// <summary>Whole networks, from a batch on the device to updated weights or an embedding on the device.</summary>
static class NetworkWorks
{
    /// <summary>Multiply-adds of a volume or an image: V-Net, the first layer of it, and ViT-B's encoder.</summary>
    const double VNet = 40.109e9, FirstLayer = 0.434e9, Encoder = 486e9;

    /// <summary>Of ViT-B's forward pass: all gradients of inputs, none of weights but LoRA's.</summary>
    const double LoraStepPerForward = 2.35;

    public static IEnumerable<GpuWork> All =>
    [
        // Forward, gradients of inputs (the image needs none) and of weights.
        Work("vnet training step 4x112x112x80", 4 * 2 * (3 * VNet - FirstLayer), device => new VNetStep(device, 4, trains: true).Run),
        Work("sam vit-b encoder forward 1x1024x1024", 2 * Encoder, device => new SamEncoderStep(device, 1, trains: false).Run),
        Work("sam vit-b encoder forward 4x1024x1024", 4 * 2 * Encoder, device => new SamEncoderStep(device, 4, trains: false).Run),
        Work("sam vit-b lora step 1x1024x1024", LoraStepPerForward * 2 * Encoder, device => new SamEncoderStep(device, 1, trains: true).Run),
        Work(
            "sam vit-b lora step 1x1024x1024 checkpointed", (LoraStepPerForward + 1) * 2 * Encoder,
            device => new SamEncoderStep(device, 1, trains: true, checkpointing: true).Run),
    ];

    static GpuWork Work(string name, double flop, Func<Device, Action> prepare) => new(
        $"{name} {Precision.BFloat16.Name()}", Precision.BFloat16, flop, 0, x => prepare(x.Device));
}
