using System.Text.Json;
using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>sam-image-encoder</c>: SAM's image encoder with the weights <c>w/NAME</c>, sizes in the metadata's <c>config</c>. From
/// <c>in/image</c> come <c>out/embedding</c> and the stages <c>mid/..</c>; <c>grad/NAME</c> are gradients for the upstream gradient
/// <c>in/upstream</c>.
/// </summary>
static class ImageEncoderParity
{
    const double Tolerance = 1e-5, GradientTolerance = 3e-5;

    public static void Run(ParityRun run)
    {
        var encoder = new ImageEncoder(new Weights(run.Session, seed: 0), Configuration(run.File));
        foreach (Weight weight in encoder.Weights.All) Load(run.File, weight);
        using Scope step = run.Session.Step();
        Tensor image = run.File.Tensor(run.Session, "in/image", ReferenceLayout.ChannelsLast);
        using (run.Session.NoGrad()) CheckStages(run, encoder, image);

        using Session.GradMode? mode = run.WithGradients ? null : run.Session.NoGrad();
        Tensor embedding = encoder.Forward(image);
        run.Output("out/embedding", embedding, Tolerance, ReferenceLayout.ChannelsLast);
        if (!run.WithGradients || !run.File.Has("in/upstream")) return;
        embedding.Backward(run.File.Tensor(run.Session, "in/upstream", ReferenceLayout.ChannelsLast));
        foreach (Weight weight in encoder.Weights.Parameters) CheckGradient(run, weight);
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

    /// <summary>The file may have windows with what hangs over the edge; here that is left out before the projection.</summary>
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

    static void CheckGradient(ParityRun run, Weight weight)
    {
        string name = $"grad/{weight.Name}";
        if (!run.File.Has(name)) return;
        if (weight.Tensor.Grad is not { } gradient) throw run.File.Bad($"has a gradient '{name}' of something that gets none here");
        double error = run.Error(name, weight.AsInFile(gradient), run.File.Values(name));
        run.Add(new(name, ParityPart.Gradient, error, GradientTolerance));
    }

    static void Load(ReferenceFile file, Weight weight)
    {
        string name = $"w/{weight.Name}";
        if (!file.Has(name)) throw file.Bad($"stores no '{name}'");
        if (file.Shape(name) != weight.FileShape)
            throw file.Bad($"'{name}' is {file.Shape(name)}; expected {weight.FileShape}");
        weight.SetAsInFile(file.Floats(name));
    }

    static SamConfiguration Configuration(ReferenceFile file)
    {
        try
        {
            JsonElement config = JsonDocument.Parse(file.Text("config")).RootElement;
            return new SamConfiguration
            {
                ImageSize = Number("img"),
                PatchSize = Number("patch"),
                Width = Number("embed"),
                Depth = Number("depth"),
                Heads = Number("heads"),
                Window = Number("win"),
                GlobalBlocks = [.. config.GetProperty("glob").EnumerateArray().Select(block => block.GetInt32())],
                PromptWidth = Number("neck"),
                DecoderHeads = 1,
            };

            int Number(string name) => config.GetProperty(name).GetInt32();
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw file.Bad(
                "its metadata's 'config' is not JSON with img, patch, embed, depth, heads, win, glob and neck: " + error.Message);
        }
    }
}
