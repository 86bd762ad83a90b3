using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>sam-image-encoder</c>: SAM's image encoder with the weights <c>w/NAME</c>, sizes in the metadata's
/// <c>config</c>. From
/// <c>in/image</c> come <c>out/embedding</c> and the stages <c>mid/..</c>; <c>grad/NAME</c> are gradients for the
/// upstream gradient
/// <c>in/upstream</c>.
/// </summary>
static class ImageEncoderParity
{
    const double Tolerance = 1e-5, GradientTolerance = 3e-5;

    public static void Run(ParityRun run)
    {
        ImageEncoder encoder = SamModule.Load(run.File, new ImageEncoder(new Weights(run.Session, seed: 0), Configuration(run.File)));
        using Scope step = run.Session.Step();
        Tensor image = run.File.Tensor(run.Session, "in/image", ReferenceLayout.ChannelsLast);
        using (run.Session.NoGrad()) CheckStages(run, encoder, image);

        using Session.GradMode? mode = run.WithGradients ? null : run.Session.NoGrad();
        Tensor embedding = encoder.Forward(image);
        run.Output("out/embedding", embedding, Tolerance, ReferenceLayout.ChannelsLast);
        if (!run.WithGradients || !run.File.Has("in/upstream")) return;
        embedding.Backward(run.File.Tensor(run.Session, "in/upstream", ReferenceLayout.ChannelsLast));
        SamModule.CheckGradients(run, encoder, GradientTolerance);
    }

    static void CheckStages(ParityRun run, ImageEncoder encoder, Tensor image)
    {
        Tensor x = encoder.Tokens(image);
        run.Output("mid/patch_embed", x - encoder.Weights["pos_embed"], Tolerance);
        for (int i = 0; i < encoder.Blocks.Count; i++)
        {
            EncoderBlock block = encoder.Blocks[i];
            Tensor attended = block.Attend(x), y = block.Widen(attended);
            CheckAttention(run, $"mid/block{i}.attn", attended - x);
            run.Output($"mid/block{i}.mlp", y - attended, Tolerance);
            run.Output($"mid/block{i}", y, Tolerance);
            x = y;
        }
        for (int i = 0; i < encoder.Neck.Count; i++)
        {
            x = encoder.Neck[i].Forward(x);
            run.Output($"mid/neck{i}", x, Tolerance, ReferenceLayout.ChannelsLast);
        }
    }

    /// <summary>
    /// The file may have windows with what hangs over the edge; here that is left out before the projection.
    /// </summary>
    static void CheckAttention(ParityRun run, string name, Tensor got)
    {
        if (!run.File.Has(name)) return;
        double[] want = run.File.Values(name);
        if (run.File.Shape(name) != got.Shape)
        {
            Tensor windows = run.File.Tensor(run.Session, name);
            want = [.. windows.WindowUnpartition(got.Size(1), got.Size(2)).ToArray().Select(value => (double)value)];
        }
        run.Add(new(name, ParityPart.Output, run.Error(name, got.ToArray(), want), Tolerance));
    }

    static SamConfiguration Configuration(ReferenceFile file) => new()
    {
        ImageSize = SamModule.Number(file, "img"),
        PatchSize = SamModule.Number(file, "patch"),
        Width = SamModule.Number(file, "embed"),
        Depth = SamModule.Number(file, "depth"),
        Heads = SamModule.Number(file, "heads"),
        Window = SamModule.Number(file, "win"),
        GlobalBlocks = SamModule.Numbers(file, "glob"),
        PromptWidth = SamModule.Number(file, "neck"),
        DecoderHeads = 1,
    };
}
