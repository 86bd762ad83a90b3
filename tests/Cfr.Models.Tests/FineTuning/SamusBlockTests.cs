using Cfr.Tensors;

namespace Cfr.Models.Tests.FineTuning;

/// <summary>Blocks of SAMUS against the original program.</summary>
public sealed class SamusBlockTests
{
    const double Allowed = 2e-6, GradientAllowed = 5e-6;

    [Fact]
    public void Tokens_and_features_of_a_global_block_with_gradients_of_what_trains()
    {
        using var golden = new GoldenModule<SamusBlock>(
            "samus_block", w => new SamusBlock(w, width: 24, heads: 3, grid: (4, 5)), "full/");
        golden.FreezeWhatHasNoGradient();
        Tensor x = golden.Tensor("in/x").WithGrad(), cnn = golden.Tensor("in/cnn").WithGrad();
        var (tokens, features) = golden.Module.Forward(x, cnn);
        golden.AssertEqual("out/x", tokens, Allowed);
        golden.AssertEqual("out/cnn", features, Allowed);
        Tensor loss = (tokens * golden.Tensor("in/upstream_x")).Sum()
            + (features * golden.Tensor("in/upstream_cnn")).Sum();
        loss.Backward();
        golden.AssertEqual("grad_in/x", x.Grad, GradientAllowed);
        golden.AssertEqual("grad_in/cnn", cnn.Grad, GradientAllowed);
        golden.AssertGradients(GradientAllowed);
    }

    [Fact]
    public void A_block_with_windows_is_one_of_SAM()
    {
        var configuration = new SamConfiguration { Width = 24, Heads = 3, Window = 3, GlobalBlocks = [] };
        using var golden = new GoldenModule<EncoderBlock>(
            "samus_block", w => new EncoderBlock(w, configuration, index: 0), "window/");
        golden.FreezeWhatHasNoGradient();
        Tensor x = golden.Tensor("in/x").WithGrad(), y = golden.Module.Forward(x);
        golden.AssertEqual("out/x", y, Allowed);
        y.Backward(golden.Tensor("in/upstream_x"));
        golden.AssertEqual("grad_in/x", x.Grad, GradientAllowed);
        golden.AssertGradients(GradientAllowed);
    }

    [Fact]
    public void A_step_down_of_the_convolutional_branch_with_all_gradients()
    {
        using var golden = new GoldenModule<SamusDownsampling>(
            "samus_block", w => new SamusDownsampling(w, inChannels: 5, outChannels: 7), "down/");
        Tensor x = golden.Image("in/x").WithGrad(), y = golden.Module.Forward(x);
        golden.AssertImage("out/y", y, Allowed);
        y.Backward(golden.Image("in/upstream"));
        golden.AssertImage("grad_in/x", x.Grad, GradientAllowed);
        golden.AssertGradients(GradientAllowed);
    }
}
