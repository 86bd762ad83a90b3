using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>
/// A checkpoint as PyTorch writes it since 1.6: a zip with <c>root/data.pkl</c>, whose tensors refer to the storages
/// <c>root/data/key</c>. The name of the root folder, the order of the members and further members do not matter.
/// </summary>
sealed class TorchZip
{
    const string PickleName = "data.pkl";

    readonly MappedFile _file;
    readonly ZipDirectory _zip;
    readonly string _root;
    readonly Dictionary<string, TorchStorage> _storages = [];

    TorchZip(MappedFile file, ZipDirectory zip)
    {
        _file = file;
        _zip = zip;
        string[] pickles = [.. zip.Names.Where(IsPickle)];
        if (pickles.Length != 1) throw file.Invalid($"found {pickles.Length} members named {PickleName}, expected one");
        _root = pickles[0][..^PickleName.Length];
    }

    public static bool Has(ZipDirectory zip) => zip.Names.Any(IsPickle);

    public static List<StoredTensor> Read(MappedFile file, ZipDirectory zip) => new TorchZip(file, zip).Read();

    static bool IsPickle(string name) =>
        name == PickleName || name.EndsWith("/" + PickleName, StringComparison.Ordinal);

    List<StoredTensor> Read()
    {
        CheckByteOrder();
        FileBytes pickle = _zip.Open(_root + PickleName);
        if (pickle.Length > Array.MaxLength)
            throw _file.Invalid($"{PickleName}: found {pickle.Length} bytes, expected at most {Array.MaxLength}");
        var reader = new PickleReader(_file, pickle.Span(0, (int)pickle.Length), FindStorage);
        object? root = reader.Read();
        return TorchStateDict.Tensors(_file, root, _storages.Values);
    }

    void CheckByteOrder()
    {
        string name = _root + "byteorder";
        if (!_zip.Contains(name)) return;
        FileBytes order = _zip.Open(name);
        if (order.Length != 6 || !order.Span(0, 6).SequenceEqual("little"u8))
            throw _file.Invalid("member 'byteorder': expected 'little', other byte orders are not supported");
    }

    TorchStorage FindStorage(StorageReference reference)
    {
        string name = $"{_root}data/{reference.Key}";
        if (!_storages.TryGetValue(reference.Key, out TorchStorage? storage))
        {
            FileBytes bytes = _zip.Open(name);
            storage = new TorchStorage(reference.Key, reference.Type, reference.Count) { Bytes = bytes };
            if (bytes.Length / reference.Type.Bytes() != reference.Count || bytes.Length % reference.Type.Bytes() != 0)
                throw _file.Invalid($"storage '{name}': found {bytes.Length} bytes, expected {reference.Count} elements"
                    + $" of {reference.Type}");
            _storages.Add(reference.Key, storage);
        }
        if (storage.Type != reference.Type || storage.Count != reference.Count)
            throw _file.Invalid($"storage '{name}': found as {reference.Count} {reference.Type}"
                + $" and as {storage.Count} {storage.Type}");
        return storage;
    }
}
