using System.Text.Json;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Models.Tests.Sam;

/// <summary>Small models of the reference files.</summary>
static class SmallSam
{
    /// <summary>The sizes that a file's metadata tells.</summary>
    public static SamConfiguration Configuration(GoldenFile file)
    {
        JsonElement config = JsonDocument.Parse(file.Metadata["config"]).RootElement;
        int Number(params string[] names) => names.Where(name => config.TryGetProperty(name, out _))
            .Select(name => config.GetProperty(name).GetInt32()).First();
        return new SamConfiguration
        {
            ImageSize = Number("img"),
            PatchSize = Number("patch"),
            Width = Number("embed", "lora_embed"),
            Depth = Number("depth"),
            Heads = Number("heads", "lora_heads"),
            Window = Number("win"),
            GlobalBlocks = [.. config.GetProperty("glob").EnumerateArray().Select(block => block.GetInt32())],
            PromptWidth = Number("neck"),
            DecoderHeads = 2,
        };
    }

    /// <summary>Sets every weight to that of the file, which must have it.</summary>
    public static void Load(Weights weights, GoldenFile file, Func<string, string>? nameInFile = null)
    {
        foreach (Weight weight in weights.All)
        {
            string name = $"w/{nameInFile?.Invoke(weight.Name) ?? weight.Name}";
            Assert.Equal(file.Shape(name), weight.FileShape);
            weight.SetAsInFile([.. file.Values(name).Select(value => (float)value)]);
        }
    }
}
