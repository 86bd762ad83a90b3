using Cfr.Models;
using Cfr.Pipeline.Networks;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Pretraining;

/// <summary>A SAM in half the space: weights as float16, rounded to the nearest, ties to even.</summary>
public static class SamExport
{
    /// <summary>Writes a model with its sizes; the same weights give the same bytes.</summary>
    /// <exception cref="ArgumentException">A weight is too large for float16.</exception>
    public static void Save(Sam sam, string path, IReadOnlyDictionary<string, string>? notes = null)
    {
        var metadata = new Dictionary<string, string>(notes ?? new Dictionary<string, string>())
        {
            [SamFile.MetadataKey] = sam.Configuration.ToJson(),
        };
        SafetensorsFile.Write(path, [.. sam.Weights.All.Select(Stored)], metadata);
    }

    static TensorToStore Stored(Weight weight)
    {
        Half[] values = [.. weight.AsInFile().Select(value => (Half)value)];
        if (values.Any(value => !Half.IsFinite(value)))
            throw new ArgumentException($"{weight.Name} has values beyond those of float16, {Half.MaxValue}");
        return TensorToStore.Of(weight.Name, [.. weight.FileShape.Select(size => (long)size)], values);
    }
}
