using Cfr.Models;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Networks;

/// <summary>
/// What SAMed saves of a fine-tuned SAM: the factors of its LoRA as <c>w_a_000</c>, <c>w_b_000</c>, .. (two for each block, q before
/// v), and all of the prompt encoder and the mask decoder. The frozen encoder comes from SAM's own file.
/// </summary>
public static class SamedFile
{
    /// <summary>The rank of the file's LoRA.</summary>
    /// <exception cref="BadDataException">It is no such file.</exception>
    public static int Rank(string path)
    {
        using WeightFile file = WeightFile.Open(path);
        return file.Tensors.TryGetValue("w_a_000", out StoredTensor? first) && first.Shape.Length == 2
            ? checked((int)first.Shape[0])
            : throw new BadDataException($"{path}: it has no factor of a LoRA, 'w_a_000' [rank, width]; expected a file of SAMed");
    }

    /// <summary>Loads it into a model with a LoRA (<see cref="SamLora.Attach"/>) of its rank and number of classes.</summary>
    /// <exception cref="WeightFileException">The file is damaged; the model is as it was.</exception>
    /// <exception cref="BadDataException">The file does not fit the model; the model is as it was.</exception>
    public static void Load(Weights sam, string path)
    {
        using WeightFile file = WeightFile.Open(path);
        var stored = file.Tensors.Values.ToDictionary(tensor => SamLora.NameOf(tensor.Name));
        IReadOnlyList<Weight> changed = SamLora.Changed(sam);
        string[] wrong =
        [
            .. stored.Keys.Except(changed.Select(weight => weight.Name)).Select(name => $"the model has no {name}"),
            .. changed.Where(weight => !stored.ContainsKey(weight.Name)).Select(weight => $"the file has no {weight.Name}"),
            .. changed.Where(weight => stored.TryGetValue(weight.Name, out StoredTensor? tensor) && !Fits(weight, tensor))
                .Select(weight => $"{weight.Name} is [{Sizes(stored[weight.Name])}] in the file, {weight.FileShape} in the model"),
        ];
        if (wrong.Length > 0) throw new BadDataException($"{path} does not fit the model: {string.Join("; ", wrong)}");
        foreach (Weight weight in changed)
        {
            float[] values = new float[weight.Tensor.Count];
            stored[weight.Name].CopyTo(values.AsSpan());
            weight.SetAsInFile(values);
        }
    }

    static bool Fits(Weight weight, StoredTensor tensor) =>
        weight.FileShape.Select(size => (long)size).SequenceEqual(tensor.Shape.ToArray());

    static string Sizes(StoredTensor tensor) => string.Join(", ", tensor.Shape.ToArray());
}
