using System.Text.Json;
using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// What the kinds of SAM's parts share: sizes in the metadata's <c>config</c>, weights <c>w/NAME</c>, their gradients
/// <c>grad/NAME</c>.
/// </summary>
static class SamModule
{
    /// <summary>The largest gradient of what has no effect, over the largest of all.</summary>
    const double Zero = 1e-5;

    /// <summary>A number of <c>config</c>.</summary>
    public static int Number(ReferenceFile file, string name)
    {
        try
        {
            return JsonDocument.Parse(file.Text("config")).RootElement.GetProperty(name).GetInt32();
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw file.Bad($"its metadata's 'config' is not JSON with a number '{name}': {error.Message}");
        }
    }

    /// <summary>Sets all weights.</summary>
    public static T Load<T>(ReferenceFile file, T module) where T : Module
    {
        foreach (Weight weight in module.Weights.All)
        {
            string name = $"w/{weight.Name}";
            if (!file.Has(name)) throw file.Bad($"stores no '{name}'");
            if (file.Shape(name) != weight.FileShape)
                throw file.Bad($"'{name}' is {file.Shape(name)}; expected {weight.FileShape}");
            weight.SetAsInFile(file.Floats(name));
        }
        return module;
    }

    /// <summary>A tensor whose gradient is wanted, unless outputs alone are.</summary>
    public static Tensor Leaf(ParityRun run, string name, ReferenceLayout layout = ReferenceLayout.Same)
    {
        Tensor tensor = run.File.Tensor(run.Session, name, layout).Detach();
        return run.WithGradients ? tensor.WithGrad() : tensor;
    }

    /// <summary>
    /// All gradients in the file. A bias of keys shifts a row's logits alike, which softmax does not see: only rounding
    /// is left, and is compared with the largest gradient of all.
    /// </summary>
    public static void CheckGradients(ParityRun run, Module module, double tolerance)
    {
        Weight[] present = [.. module.Weights.Parameters.Where(weight => run.File.Has($"grad/{weight.Name}"))];
        double largest = present.Max(weight => run.File.Values($"grad/{weight.Name}").Max(Math.Abs));
        foreach (Weight weight in present)
        {
            string name = $"grad/{weight.Name}";
            if (weight.Tensor.Grad is not { } gradient) throw run.File.Bad($"has a gradient '{name}' of something that gets none here");
            float[] got = weight.AsInFile(gradient);
            double[] want = run.File.Values(name);
            run.Add(weight.Name.EndsWith("k_proj.bias")
                ? new(name, ParityPart.Gradient, got.Zip(want, (a, b) => Math.Abs(a - b)).Max() / largest, Zero, IsAbsolute: true)
                : new(name, ParityPart.Gradient, run.Error(name, got, want), tolerance));
        }
    }
}
