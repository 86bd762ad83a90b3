using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>
/// Finds the mapping of names to tensors in what a checkpoint holds: at the top, or else under one of the keys that
/// training programs use. A prefix that wrappers put before all names is taken off; values that are no tensors are
/// passed over.
/// </summary>
static class TorchStateDict
{
    static readonly string[] WrapperKeys = ["model", "state_dict", "model_state_dict", "net"];
    static readonly string[] WrapperPrefixes = ["module.", "sam."];

    /// <summary>Views may repeat elements: together they may hold so many times the data, and a little more.</summary>
    const int LargestExpansion = 16;
    const long SmallExpansion = 16 << 20;

    public static List<StoredTensor> Tensors(MappedFile file, object? root, IReadOnlyCollection<TorchStorage> storages)
    {
        List<(string Name, TorchTensor Tensor)> named = FindMapping(file, root);
        string prefix = CommonPrefix(named);
        long bytesLeft = LargestExpansion * storages.Sum(storage => storage.Bytes?.Length ?? 0) + SmallExpansion;
        var tensors = new List<StoredTensor>(named.Count);
        foreach (var (fullName, tensor) in named)
        {
            StoredTensor stored = Store(file, fullName[prefix.Length..], tensor);
            bytesLeft -= stored.ByteLength;
            if (bytesLeft < 0) throw file.Invalid($"tensor '{stored.Name}': tensors repeat too little data too often");
            tensors.Add(stored);
        }
        return tensors;
    }

    static List<(string Name, TorchTensor Tensor)> FindMapping(MappedFile file, object? root)
    {
        if (root is not PickleDict top)
            throw file.Invalid($"found {Describe(root)}, expected a mapping of names to tensors");
        List<(string Name, TorchTensor Tensor)> atTop = NamedTensors(top);
        if (atTop.Count > 0 && atTop.Count == top.Items.Count) return atTop;
        foreach (string key in WrapperKeys)
            if (top.Find(key) is PickleDict wrapped && NamedTensors(wrapped) is { Count: > 0 } inside)
                return inside;
        if (atTop.Count > 0) return atTop;
        string keys = string.Join(", ", top.Items.Take(8).Select(item => item.Key as string ?? "?"));
        throw file.Invalid($"found a mapping with the keys [{keys}], expected tensors by name in it or under"
            + $" {string.Join(", ", WrapperKeys)}");
    }

    static List<(string Name, TorchTensor Tensor)> NamedTensors(PickleDict dict)
    {
        var named = new List<(string, TorchTensor)>();
        foreach (var (key, value) in dict.Items)
            if (key is string name && value is TorchTensor tensor)
                named.Add((name, tensor));
        return named;
    }

    static string CommonPrefix(List<(string Name, TorchTensor Tensor)> named)
    {
        string common = "";
        foreach (string prefix in WrapperPrefixes)
            if (named.All(item => item.Name.StartsWith(common + prefix, StringComparison.Ordinal)))
                common += prefix;
        return common;
    }

    static StoredTensor Store(MappedFile file, string name, TorchTensor tensor)
    {
        DType type = tensor.Storage.Type;
        if (tensor.Storage.Bytes is not { } bytes)
            throw file.Invalid($"tensor '{name}': the file has no storage '{tensor.Storage.Key}'");
        if (!TensorShape.TryCount(tensor.Shape, type.Bytes(), out long count))
            throw file.Invalid($"tensor '{name}': shape {TensorShape.Text(tensor.Shape)} is not possible");
        if (!StridedView.Fits(tensor.Shape, tensor.Strides, tensor.Offset, tensor.PartCount))
            throw file.Invalid($"tensor '{name}': shape {TensorShape.Text(tensor.Shape)} with strides"
                + $" {TensorShape.Text(tensor.Strides)} at {tensor.Offset} leaves its storage"
                + $" of {tensor.PartCount} elements");
        FileBytes part = bytes.Slice(tensor.PartStart * type.Bytes(), tensor.PartCount * type.Bytes());
        return StoredTensor.Strided(name, type, tensor.Shape, count, part, tensor.Strides, tensor.Offset);
    }

    static string Describe(object? value) => value switch
    {
        null => "None",
        PickleList => "a list",
        PickleTuple => "a tuple",
        TorchTensor => "one tensor without a name",
        string => "a string",
        _ => "a " + value.GetType().Name,
    };
}
