using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>Segmentation losses and their gradients against PyTorch.</summary>
public sealed class GoldenLossTests : IDisposable
{
    const double ValueTolerance = 1e-6, GradientTolerance = 2e-6;

    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public GoldenLossTests() => _session = new Session(_device);

    public void Dispose() => _device.Dispose();

    [Theory]
    [InlineData("ce", "label", 1, 0, 1e-5)]
    [InlineData("ce_ignore255", "label_ignore", 1, 0, 1e-5)]
    [InlineData("dice_samed", "label", 0, 1, 1e-5)]
    [InlineData("dice_1e-10_ignore255", "label_ignore", 0, 1, 1e-10)]
    [InlineData("half_half_samed_dice", "label", 0.5, 0.5, 1e-5)]
    [InlineData("samed_0.2ce_0.8dice", "label", 0.2, 0.8, 1e-5)]
    [InlineData("cfr_half_half_ignore255", "label_ignore", 0.5, 0.5, 1e-10)]
    public void Fine_tuning_losses(string loss, string label, float crossEntropy, float dice, float smoothing)
    {
        using var file = new GoldenFile("sam/losses.safetensors");
        Check(file, "in/logits", $"in/{label}", $"out/{loss}", $"grad/{loss}", crossEntropy, dice, smoothing);
    }

    [Theory]
    [InlineData("basic2", "ce_mean", "label", 1, 0, 1e-5, 0)]
    [InlineData("basic4", "ce_mean", "label", 1, 0, 1e-5, 0)]
    [InlineData("basic2", "ce_ignore255", "label_with_ignore255", 1, 0, 1e-5, 0)]
    [InlineData("basic4", "ce_ignore255", "label_with_ignore255", 1, 0, 1e-5, 0)]
    [InlineData("basic2", "dice_multiclass_smooth1e-5", "label", 0, 1, 1e-5, 0)]
    [InlineData("basic4", "dice_multiclass_smooth1e-5", "label", 0, 1, 1e-5, 0)]
    [InlineData("basic2", "dice_multiclass_smooth1e-10", "label", 0, 1, 1e-10, 0)]
    [InlineData("basic4", "dice_multiclass_smooth1e-10", "label", 0, 1, 1e-10, 0)]
    [InlineData("basic2", "dice_fg1_squared_smooth1e-5", "label", 0, 1, 1e-5, 1)]
    public void Retraining_losses(
        string group, string loss, string label, float crossEntropy, float dice, float smoothing, int firstClass)
    {
        using var file = new GoldenFile("ssl/losses.safetensors");
        Check(
            file, $"{group}/logits", $"{group}/{label}", $"{group}/{loss}", $"{group}/{loss}.dlogits",
            crossEntropy, dice, smoothing, firstClass);
    }

    [Theory, InlineData("basic2"), InlineData("basic4")]
    public void Consistency_of_two_predictions(string group)
    {
        using var file = new GoldenFile("ssl/losses.safetensors");
        Tensor logits = file.Tensor(_session, $"{group}/logits", GoldenLayout.ChannelsLast).WithGrad();
        Tensor target = file.Tensor(_session, $"{group}/logits_target", GoldenLayout.ChannelsLast);
        Tensor difference = (logits.Softmax() - target.Softmax()).Square();
        file.AssertEqual($"{group}/softmax_mse_elementwise", difference, 1e-5, GoldenLayout.ChannelsLast);
        Tensor loss = difference.Mean();
        file.AssertEqual($"{group}/mse_softmax_mean", loss, 1e-5);
        loss.Backward();
        file.AssertEqual($"{group}/mse_softmax_mean.dlogits", logits.Grad, 1e-4, GoldenLayout.ChannelsLast);
    }

    void Check(
        GoldenFile file, string logitsName, string labelName, string value, string gradient,
        float crossEntropy, float dice, float smoothing, int firstClass = 0)
    {
        Tensor logits = file.Tensor(_session, logitsName, GoldenLayout.ChannelsLast).WithGrad();
        Tensor loss = logits.SegmentationLoss(
            file.Labels(_session, labelName), crossEntropy, dice, smoothing, firstClass).Total;
        file.AssertEqual(value, loss, ValueTolerance);
        loss.Backward();
        file.AssertEqual(gradient, logits.Grad, GradientTolerance, GoldenLayout.ChannelsLast);
    }
}
