using Cfr.Tensors;

namespace Cfr.Models.Tests.FineTuning;

/// <summary>Medical SAM Adapter's block against the original program.</summary>
public sealed class MsaBlockTests
{
    [Theory, InlineData("window/", 3), InlineData("full/", 0)]
    public void Result_and_gradients_of_what_trains(string part, int window)
    {
        using var golden = new GoldenModule<MsaBlock>(
            "msa_block", w => new MsaBlock(w, width: 24, heads: 3, grid: (4, 5), window), part);
        golden.FreezeWhatHasNoGradient();
        Tensor x = golden.Tensor("in/x").WithGrad(), y = golden.Module.Forward(x);
        golden.AssertEqual("out/y", y, 2e-6);
        y.Backward(golden.Tensor("in/upstream"));
        golden.AssertEqual("grad_in/x", x.Grad, 5e-6);
        golden.AssertGradients(5e-6);
    }
}
