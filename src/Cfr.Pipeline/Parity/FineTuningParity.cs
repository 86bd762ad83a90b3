using System.Text.Json;
using Cfr.Models;
using Cfr.Pipeline.Concatenation;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// A whole SAM fine-tuned as SAMed does it: encoder with LoRA, no prompts, a mask token a class. Kind <c>sam-lora</c> stores the weights
/// <c>w/NAME</c>, an image, labels, results, and the gradients of two losses; the kinds <c>sam-lora-off</c> (every B is 0) and
/// <c>sam-finetune-steps</c> (five steps of AdamW) have results alone and take the rest from <c>sam_lora_tiny.safetensors</c> beside them.
/// </summary>
static class FineTuningParity
{
    const string WholeModel = "sam_lora_tiny.safetensors";

    const double Tolerance = 1e-5, LossTolerance = 2e-6, GradientTolerance = 5e-5;

    /// <summary>A key's bias shifts all logits of a row alike: its gradient is 0, what is computed is rounding.</summary>
    const string WithoutGradient = "k_proj.bias";

    const double ZeroTolerance = 1e-5;

    /// <summary>Kind <c>sam-lora</c>.</summary>
    public static void Run(ParityRun run)
    {
        Sam sam = Load(run, run.File);
        Tensor images = Images(run, run.File);
        using (run.Session.NoGrad())
        using (run.Session.Step())
        {
            Tensor embedding = sam.Embed(images), low = sam.Decode(embedding), full = Full(sam, low);
            run.Output("mid/embedding", embedding, Tolerance, ReferenceLayout.ChannelsLast);
            run.Output("out/low_res_logits", low, Tolerance, ReferenceLayout.ChannelsLast);
            run.Output("out/iou", sam.Predict(embedding, Prompts.None).Quality, Tolerance);
            run.Output("out/masks_sub", Every(full, 5), Tolerance);
            run.Output("out/label_map", Numbers(full.ArgMax(^1)), 0);
            run.Output("out/low_res_label_map", Numbers(low.ArgMax(^1)), 0);
        }
        Loss(run, sam, images, "cfr", "in/label", atFullSize: true, 0.5f, 0.5f, smoothing: 1e-10f);
        Loss(run, sam, images, "samed", "in/low_res_label", atFullSize: false, 0.2f, 0.8f, smoothing: 1e-5f);
    }

    /// <summary>Kind <c>sam-lora-off</c>.</summary>
    public static void RunOff(ParityRun run)
    {
        using ReferenceFile model = Beside(run.File);
        Sam sam = Load(run, model);
        foreach (Weight weight in sam.Weights.Matching("*.linear_b_*")) weight.Tensor.Set(new float[weight.Tensor.Count]);
        using Session.GradMode inference = run.Session.NoGrad();
        Tensor embedding = sam.Embed(Images(run, model));
        run.Output("out/embedding_block_sum", embedding, Tolerance, ReferenceLayout.ChannelsLast);
        run.Output("out/low_res_logits", sam.Decode(embedding), Tolerance, ReferenceLayout.ChannelsLast);
    }

    /// <summary>
    /// Kind <c>sam-finetune-steps</c>. Before step s image and label are rolled by 7 s rows and 14 s columns; the label at low resolution is
    /// every fourth pixel.
    /// </summary>
    public static void RunSteps(ParityRun run)
    {
        const double lossTolerance = 2e-5, weightTolerance = 1e-4, momentTolerance = 5e-4;
        using ReferenceFile model = Beside(run.File);
        JsonElement hyper = JsonDocument.Parse(run.File.Text("hyper")).RootElement;
        float Setting(string name) => hyper.GetProperty(name).GetSingle();
        float dice = Setting("dice_weight");
        var rates = new LaggedSchedule(new WarmupSchedule(
            hyper.GetProperty("warmup_period").GetInt32(),
            new PolySchedule(Setting("base_lr"), hyper.GetProperty("max_iterations").GetInt32())));

        Sam sam = Load(run, model);
        var optimizer = new AdamW(sam.Weights.Parameters, Setting("base_lr"), Setting("weight_decay"));
        int steps = hyper.GetProperty("steps").GetInt32(), size = model.Shape("in/label")[^1];
        float[] image = model.Floats("in/image_gray"), label = model.Floats("in/label");
        var losses = new double[3][];
        for (int part = 0; part < losses.Length; part++) losses[part] = new double[steps];
        for (int s = 0; s < steps; s++)
        {
            using Scope step = run.Session.Step();
            Tensor labels = run.Session.Labels(EveryFourth(Rolled(label, size, 7 * s, 14 * s), size), [2, size / 4, size / 4]);
            Tensor images = Mosaic.Rgb(run.Session.Tensor(Rolled(image, size, 7 * s, 14 * s), [2, size, size, 1]));
            SegmentationLosses found = sam.Forward(images).SegmentationLoss(labels, 1 - dice, dice, 1e-5f);
            found.Total.Backward();
            optimizer.LearningRate = (float)rates.At(s);
            optimizer.Step();
            optimizer.ClearGradients();
            (losses[0][s], losses[1][s], losses[2][s]) = (found.Total.Item(), found.CrossEntropy.Item(), found.Dice.Item());
        }
        run.Output("out/loss", losses[0], run.File.Values("out/loss"), lossTolerance);
        run.Output("out/loss_ce", losses[1], run.File.Values("out/loss_ce"), lossTolerance);
        run.Output("out/loss_dice", losses[2], run.File.Values("out/loss_dice"), lossTolerance);
        run.Output("out/lr", Enumerable.Range(0, steps).Select(s => rates.At(s)).ToArray(), run.File.Values("out/lr"), Tolerance);
        foreach (Weight weight in sam.Weights.All)
        {
            run.Output($"final/{weight.Name}", weight.AsInFile(), weightTolerance);
            foreach (string moment in (string[])["exp_avg", "exp_avg_sq"])
                if (optimizer.State.TryGetValue($"{moment}.{weight.Name}", out Tensor? state))
                    run.Output($"{moment}/{weight.Name}", weight.AsInFile(state), momentTolerance);
        }
    }

    /// <summary>The loss of a label, and the gradients of all that trains.</summary>
    static void Loss(
        ParityRun run, Sam sam, Tensor images, string name, string label, bool atFullSize, float crossEntropy, float dice, float smoothing)
    {
        using Scope step = run.Session.Step();
        using Session.GradMode? mode = run.WithGradients ? null : run.Session.NoGrad();
        Tensor low = sam.Forward(images), logits = atFullSize ? Full(sam, low) : low;
        SegmentationLosses losses = logits.SegmentationLoss(run.File.Labels(run.Session, label), crossEntropy, dice, smoothing);
        run.Output($"out/loss_{name}", losses.Total, LossTolerance);
        run.Output($"out/loss_{name}_ce", losses.CrossEntropy, LossTolerance);
        run.Output($"out/loss_{name}_dice", losses.Dice, LossTolerance);
        if (!run.WithGradients) return;
        losses.Total.Backward();
        var gradients = run.File.Names.Where(stored => stored.StartsWith($"grad_{name}/", StringComparison.Ordinal))
            .ToDictionary(stored => SamLora.NameOf(stored[(stored.IndexOf('/') + 1)..]));
        double largest = gradients.Values.Max(stored => run.File.Values(stored).Max(Math.Abs));
        foreach (Weight weight in sam.Weights.Parameters)
        {
            if (!gradients.TryGetValue(weight.Name, out string? stored)) continue;
            if (weight.Tensor.Grad is not { } gradient) throw run.File.Bad($"has a gradient '{stored}' of something that gets none here");
            float[] got = weight.AsInFile(gradient);
            run.Add(weight.Name.EndsWith(WithoutGradient, StringComparison.Ordinal)
                ? new(stored, ParityPart.Gradient, got.Max(Math.Abs) / largest, ZeroTolerance, IsAbsolute: true)
                : new(stored, ParityPart.Gradient, run.Error(stored, got, run.File.Values(stored)), GradientTolerance));
            weight.Tensor.ClearGrad();
        }
    }

    static Sam Load(ParityRun run, ReferenceFile file)
    {
        int Number(string name) => SamModule.Number(file, name);
        var sam = new Sam(new Weights(run.Session, seed: 0), new SamConfiguration
        {
            ImageSize = Number("img"),
            PatchSize = Number("patch"),
            Width = Number("lora_embed"),
            Depth = Number("depth"),
            Heads = Number("lora_heads"),
            Window = Number("win"),
            GlobalBlocks = SamModule.Numbers(file, "glob"),
            PromptWidth = Number("neck"),
            MaskPromptChannels = Number("mask_in"),
            DecoderHeads = Number("dec_heads"),
            DecoderHidden = Number("mlp"),
            QualityHidden = Number("iou_hidden"),
            Masks = Number("classes") + 1,
        });
        SamLora.Attach(sam.Weights, Number("rank"));
        var stored = file.Names.Where(name => name.StartsWith("w/", StringComparison.Ordinal)).ToDictionary(name => SamLora.NameOf(name[2..]));
        foreach (Weight weight in sam.Weights.All)
            weight.SetAsInFile(file.Floats(stored.TryGetValue(weight.Name, out string? name) ? name : throw file.Bad($"stores no 'w/{weight.Name}'")));
        return sam;
    }

    static ReferenceFile Beside(ReferenceFile file)
    {
        string path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file.Path))!, WholeModel);
        return File.Exists(path) ? new ReferenceFile(path) : throw file.Bad($"needs {WholeModel} beside it, which is not there");
    }

    static Tensor Images(ParityRun run, ReferenceFile file) =>
        Mosaic.Rgb(file.Tensor(run.Session, "in/image_gray", ReferenceLayout.ChannelsLast));

    static Tensor Full(Sam sam, Tensor low) => low.Resize([sam.Configuration.ImageSize, sam.Configuration.ImageSize]);

    static float[] Numbers(Tensor labels) => [.. labels.ToIntArray().Select(label => (float)label)];

    /// <summary>[N, H, W, K] -> [N, K, rows 1, 1 + n, .., columns 2, 2 + n, ..], as the file samples them.</summary>
    static float[] Every(Tensor logits, int n)
    {
        float[] all = ReferenceFile.There(logits, ReferenceLayout.ChannelsLast).ToArray();
        int size = logits.Size(1);
        return [.. all.Where((_, i) => i / size % size % n == 1 && i % size % n == 2)];
    }

    static float[] Rolled(float[] values, int size, int rows, int columns)
    {
        float[] rolled = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int row = (i / size % size + rows) % size, column = (i % size + columns) % size;
            rolled[i / (size * size) * size * size + row * size + column] = values[i];
        }
        return rolled;
    }

    static int[] EveryFourth(float[] labels, int size) =>
        [.. labels.Where((_, i) => i / size % size % 4 == 0 && i % size % 4 == 0).Select(label => (int)label)];
}
