using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>msa-block</c>: a block of Medical SAM Adapter with the weights <c>CASE/w/NAME</c>, cases <c>window</c> and
/// <c>full</c>: <c>out/y</c> of <c>in/x</c>, gradients of what trains and of x.
/// </summary>
static class MsaBlockParity
{
    const double Tolerance = 2e-6, GradientTolerance = 5e-6;

    public static void Run(ParityRun run)
    {
        foreach (string part in (string[])["window/", "full/"])
        {
            using Scope step = run.Session.Step();
            Tensor x = SamModule.Leaf(run, $"{part}in/x");
            int heads = SamModule.Number(run.File, "heads");
            int window = part == "window/" ? (run.File.Shape($"{part}w/attn.rel_h")[0] + 1) / 2 : 0;
            var block = new MsaBlock(
                new Weights(run.Session, seed: 0), x.Size(3), heads, (x.Size(1), x.Size(2)), window);
            SamModule.Load(run.File, block, part);
            Tensor y = block.Forward(x);
            run.Output($"{part}out/y", y, Tolerance);
            if (!run.WithGradients) continue;
            y.Backward(run.File.Tensor(run.Session, $"{part}in/upstream"));
            run.Gradient($"{part}grad_in/x", x.Grad, GradientTolerance);
            SamModule.CheckGradients(run, block, GradientTolerance, part);
        }
    }
}

/// <summary>
/// Kind <c>samus-block</c>: a block of SAMUS, <c>full</c>, with tokens and features of the convolutional branch,
/// <c>out/x</c> and <c>out/cnn</c> of <c>in/x</c> and <c>in/cnn</c>; one with windows, <c>window</c>, which is SAM's
/// and lets the features pass; a down-sampling step of the branch, <c>down</c>, <c>out/y</c> of <c>in/x</c>; all with
/// gradients.
/// </summary>
static class SamusBlockParity
{
    const double Tolerance = 2e-6, GradientTolerance = 5e-6;

    const ReferenceLayout Image = ReferenceLayout.ChannelsLast;

    public static void Run(ParityRun run)
    {
        int heads = SamModule.Number(run.File, "heads");
        CheckFull(run, heads);
        CheckWindow(run, heads);
        CheckDownsampling(run);
    }

    static void CheckFull(ParityRun run, int heads)
    {
        const string Part = "full/";
        using Scope step = run.Session.Step();
        Tensor x = SamModule.Leaf(run, $"{Part}in/x"), cnn = SamModule.Leaf(run, $"{Part}in/cnn");
        var block = new SamusBlock(new Weights(run.Session, seed: 0), x.Size(3), heads, (x.Size(1), x.Size(2)));
        SamModule.Load(run.File, block, Part);
        var (tokens, features) = block.Forward(x, cnn);
        Check(run, Part, block, x, cnn, tokens, features);
    }

    static void CheckWindow(ParityRun run, int heads)
    {
        const string Part = "window/";
        using Scope step = run.Session.Step();
        Tensor x = SamModule.Leaf(run, $"{Part}in/x"), cnn = SamModule.Leaf(run, $"{Part}in/cnn");
        var configuration = new SamConfiguration
        {
            Width = x.Size(3),
            Heads = heads,
            Window = (run.File.Shape($"{Part}w/attn.rel_pos_h")[0] + 1) / 2,
            GlobalBlocks = [],
        };
        var block = new EncoderBlock(new Weights(run.Session, seed: 0), configuration, index: 0);
        SamModule.Load(run.File, block, Part);
        Check(run, Part, block, x, cnn, block.Forward(x), cnn);
    }

    static void Check(ParityRun run, string part, Module block, Tensor x, Tensor cnn, Tensor tokens, Tensor features)
    {
        run.Output($"{part}out/x", tokens, Tolerance);
        run.Output($"{part}out/cnn", features, Tolerance);
        if (!run.WithGradients) return;
        Tensor loss = (tokens * run.File.Tensor(run.Session, $"{part}in/upstream_x")).Sum()
            + (features * run.File.Tensor(run.Session, $"{part}in/upstream_cnn")).Sum();
        loss.Backward();
        run.Gradient($"{part}grad_in/x", x.Grad, GradientTolerance);
        run.Gradient($"{part}grad_in/cnn", cnn.Grad, GradientTolerance);
        SamModule.CheckGradients(run, block, GradientTolerance, part);
    }

    static void CheckDownsampling(ParityRun run)
    {
        const string Part = "down/";
        using Scope step = run.Session.Step();
        Tensor x = SamModule.Leaf(run, $"{Part}in/x", Image);
        int outChannels = run.File.Shape($"{Part}w/maxpool_conv.1.weight")[0];
        var down = new SamusDownsampling(new Weights(run.Session, seed: 0), x.Size(3), outChannels);
        SamModule.Load(run.File, down, Part);
        Tensor y = down.Forward(x);
        run.Output($"{Part}out/y", y, Tolerance, Image);
        if (!run.WithGradients) return;
        y.Backward(run.File.Tensor(run.Session, $"{Part}in/upstream", Image));
        run.Gradient($"{Part}grad_in/x", x.Grad, GradientTolerance, Image);
        SamModule.CheckGradients(run, down, GradientTolerance, Part);
    }
}

/// <summary>
/// Kind <c>sam3d-block</c>: a block of 3DSAM-adapter, plain windows in case <c>noshift</c>, shifted ones in
/// <c>shift</c>: <c>out/y</c> of <c>in/x</c>, <c>mid/adapter</c>, the mask of a window <c>mid/attn_mask_windowN</c>,
/// gradients.
/// </summary>
static class Sam3dBlockParity
{
    const double Tolerance = 2e-6, GradientTolerance = 1e-5;

    /// <summary>The gradient of lambda is one sum over all logits, whose terms cancel.</summary>
    const double LambdaTolerance = 1e-4;

    public static void Run(ParityRun run)
    {
        int heads = SamModule.Number(run.File, "heads"), window = SamModule.Number(run.File, "window");
        foreach (string part in (string[])["noshift/", "shift/"])
        {
            using Scope step = run.Session.Step();
            Tensor x = SamModule.Leaf(run, $"{part}in/x");
            int grid = (run.File.Shape($"{part}w/attn.rel_pos_h")[0] + 1) / 2;
            var block = new Sam3dBlock(
                new Weights(run.Session, seed: 0), x.Size(4), heads, window, shifted: part == "shift/", grid);
            SamModule.Load(run.File, block, part);
            using (run.Session.NoGrad())
            {
                run.Output($"{part}mid/adapter", block.Adapter.Forward(x), Tolerance);
                CheckMasks(run, part, block.Windows.Mask(run.Session, x.Size(1), x.Size(2), x.Size(3)));
            }
            Tensor y = block.Forward(x);
            run.Output($"{part}out/y", y, Tolerance);
            if (!run.WithGradients) continue;
            y.Backward(run.File.Tensor(run.Session, $"{part}in/upstream"));
            run.Gradient($"{part}grad_in/x", x.Grad, GradientTolerance);
            SamModule.CheckGradients(
                run, block, name => name == "attn.lr" ? LambdaTolerance : GradientTolerance, part);
        }
    }

    static void CheckMasks(ParityRun run, string part, Tensor? mask)
    {
        for (int i = 0; i < mask?.Size(0); i++)
            run.Output($"{part}mid/attn_mask_window{i}", mask.Slice(0, i, 1), tolerance: 0);
    }
}
