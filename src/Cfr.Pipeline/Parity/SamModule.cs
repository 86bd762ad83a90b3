using System.Text.Json;
using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// What the kinds of SAM's parts share: sizes in the metadata's <c>config</c>, weights <c>w/NAME</c>, their gradients
/// <c>grad/NAME</c>; in a file of several cases the names come after the case's, <c>full/w/NAME</c>.
/// </summary>
static class SamModule
{
    /// <summary>The largest gradient of what has no effect, over the largest of all.</summary>
    const double Zero = 1e-5;

    /// <summary>A number of <c>config</c>.</summary>
    public static int Number(ReferenceFile file, string name) => Read(file, $"a number '{name}'", config => config.GetProperty(name).GetInt32());

    /// <summary>A list of numbers in <c>config</c>.</summary>
    public static int[] Numbers(ReferenceFile file, string name) => Read<int[]>(
        file, $"numbers '{name}'", config => [.. config.GetProperty(name).EnumerateArray().Select(number => number.GetInt32())]);

    static T Read<T>(ReferenceFile file, string what, Func<JsonElement, T> read)
    {
        try
        {
            return read(JsonDocument.Parse(file.Text("config")).RootElement);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw file.Bad($"its metadata's 'config' is not JSON with {what}: {error.Message}");
        }
    }

    /// <summary>Sets all weights.</summary>
    public static T Load<T>(ReferenceFile file, T module, string part = "") where T : Module
    {
        foreach (Weight weight in module.Weights.All)
        {
            string name = $"{part}w/{weight.Name}";
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
    public static void CheckGradients(ParityRun run, Module module, double tolerance, string part = "") =>
        CheckGradients(run, module, _ => tolerance, part);

    /// <summary>The same with a tolerance for each weight.</summary>
    public static void CheckGradients(ParityRun run, Module module, Func<string, double> tolerance, string part)
    {
        Weight[] present = [.. module.Weights.Parameters.Where(weight => run.File.Has($"{part}grad/{weight.Name}"))];
        double largest = present.Select(weight => run.File.Values($"{part}grad/{weight.Name}").Max(Math.Abs)).DefaultIfEmpty().Max();
        foreach (Weight weight in present)
        {
            string name = $"{part}grad/{weight.Name}";
            if (weight.Tensor.Grad is not { } gradient) throw run.File.Bad($"has a gradient '{name}' of something that gets none here");
            float[] got = weight.AsInFile(gradient);
            double[] want = run.File.Values(name);
            run.Add(weight.Name.EndsWith("k_proj.bias") || weight.Name.EndsWith(".k.bias")
                ? new(name, ParityPart.Gradient, got.Zip(want, (a, b) => Math.Abs(a - b)).Max() / largest, Zero, IsAbsolute: true)
                : new(name, ParityPart.Gradient, run.Error(name, got, want), tolerance(weight.Name)));
        }
    }
}
