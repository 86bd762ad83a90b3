using Cfr.Kernels;
using Cfr.Tensors.Files;

namespace Cfr.Tensors;

/// <summary>Loading a file into a model, and saving it.</summary>
public static class WeightsFiles
{
    /// <summary>
    /// Loads every weight of the model from a file (safetensors, .pth, .npz) of PyTorch's names and layouts. All names
    /// and shapes are compared before anything is changed.
    /// </summary>
    /// <exception cref="WeightFileException">The file is damaged; the model is as it was.</exception>
    /// <exception cref="WeightMismatchException">
    /// The file does not fit: the message lists all that is missing, unexpected and wrongly shaped. The model is as it
    /// was.
    /// </exception>
    public static void Load(this Weights weights, string path)
    {
        using WeightFile file = WeightFile.Open(path);
        List<Weight> all = [.. weights.All];
        var names = all.Select(weight => weight.Name).ToHashSet();
        string[] missing = [.. names.Where(name => !file.Tensors.ContainsKey(name))];
        string[] unexpected = [.. file.Tensors.Keys.Where(name => !names.Contains(name))];
        List<Weight> present = [.. all.Where(weight => file.Tensors.ContainsKey(weight.Name))];
        string[] misshapen = Misshapen(present, file);
        if (missing.Length + unexpected.Length + misshapen.Length > 0)
            throw new WeightMismatchException(path, missing, unexpected, misshapen);
        Read(present, file);
    }

    /// <summary>
    /// Loads the weights that a file has and leaves the others: for a new head on a known trunk, or a file with
    /// adapters alone.
    /// </summary>
    /// <returns>Names that only the model has, and names that only the file has.</returns>
    /// <exception cref="WeightFileException">The file is damaged; the model is as it was.</exception>
    /// <exception cref="WeightMismatchException">
    /// The file has nothing for this model, or holds wrongly shaped weights. The model is as it was.
    /// </exception>
    public static (IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected) LoadPresent(
        this Weights weights, string path)
    {
        using WeightFile file = WeightFile.Open(path);
        List<Weight> all = [.. weights.All];
        var names = all.Select(weight => weight.Name).ToHashSet();
        List<Weight> present = [.. all.Where(weight => file.Tensors.ContainsKey(weight.Name))];
        string[] misshapen = Misshapen(present, file);
        string[] missing = [.. names.Where(name => !file.Tensors.ContainsKey(name))];
        string[] unexpected = [.. file.Tensors.Keys.Where(name => !names.Contains(name))];
        if (misshapen.Length > 0 || present.Count == 0)
        {
            bool strangers = present.Count == 0;
            throw new WeightMismatchException(path, strangers ? missing : [], strangers ? unexpected : [], misshapen);
        }
        Read(present, file);
        return (missing, unexpected);
    }

    /// <summary>
    /// Saves the model as safetensors under PyTorch's names and layouts. The file is written beside the old one and
    /// renamed, so a crash leaves the old one.
    /// </summary>
    /// <param name="weights">What to save; a path into a model saves that part, under its full names.</param>
    /// <param name="path">The file.</param>
    /// <param name="metadata">Notes for its header.</param>
    public static void Save(this Weights weights, string path, IReadOnlyDictionary<string, string>? metadata = null) =>
        weights.All.Save(path, metadata);

    /// <summary>Saves some weights of a model in the same way.</summary>
    public static void Save(
        this IEnumerable<Weight> weights, string path, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafetensorsFile.Write(path, [.. weights.Select(ToStore)], metadata);

    /// <summary>Sets a weight from numbers that lie as in a file: [O, I, k..] for kernels.</summary>
    public static void SetAsInFile(this Weight weight, float[] values) =>
        weight.Tensor.Set(weight.Layout == FileLayout.Kernel ? KernelFromFile(values, weight) : values);

    /// <summary>A weight's numbers, or those of its gradient, as they lie in a file.</summary>
    public static float[] AsInFile(this Weight weight, Tensor? gradient = null)
    {
        float[] values = (gradient ?? weight.Tensor).ToArray();
        return weight.Layout == FileLayout.Kernel ? KernelToFile(values, weight) : values;
    }

    static string[] Misshapen(IEnumerable<Weight> present, WeightFile file) =>
    [
        .. present.Where(weight => !Fits(weight.FileShape, file[weight.Name].Shape))
            .Select(weight => (weight, Stored: string.Join(", ", file[weight.Name].Shape.ToArray())))
            .Select(pair => $"{pair.weight.Name} is [{pair.Stored}] in the file, {pair.weight.FileShape} in the model"),
    ];

    static bool Fits(Shape shape, ReadOnlySpan<long> stored)
    {
        if (shape.Rank != stored.Length) return false;
        for (int axis = 0; axis < stored.Length; axis++)
            if (shape[axis] != stored[axis]) return false;
        return true;
    }

    static void Read(List<Weight> present, WeightFile file)
    {
        foreach (Weight weight in present)
        {
            float[] values = new float[weight.Tensor.Count];
            file[weight.Name].CopyTo(values.AsSpan());
            weight.SetAsInFile(values);
        }
    }

    static TensorToStore ToStore(Weight weight)
    {
        long[] shape = [.. weight.FileShape.Select(size => (long)size)];
        float[] values = weight.AsInFile();
        return weight.FileType == DType.Int64
            ? TensorToStore.Of<long>(weight.Name, shape, [.. values.Select(value => (long)value)])
            : TensorToStore.Of<float>(weight.Name, shape, values);
    }

    /// <summary>[A, B, taps] to [taps, B, A].</summary>
    static float[] KernelFromFile(float[] values, Weight weight) =>
        Reverse(values, weight.Tensor.Size(^1), weight.Tensor.Size(^2));

    /// <summary>[taps, B, A] to [A, B, taps]: the same exchange of the outer and the inner axis.</summary>
    static float[] KernelToFile(float[] values, Weight weight) =>
        Reverse(values, (int)weight.Tensor.Shape[..^2].Count, weight.Tensor.Size(^2));

    static float[] Reverse(float[] values, int outer, int middle)
    {
        int inner = values.Length / Math.Max(1, outer * middle);
        float[] reversed = new float[values.Length];
        for (int o = 0; o < outer; o++)
            for (int m = 0; m < middle; m++)
                for (int i = 0; i < inner; i++)
                    reversed[(i * middle + m) * outer + o] = values[(o * middle + m) * inner + i];
        return reversed;
    }
}
