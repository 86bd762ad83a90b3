using System.Buffers.Binary;
using System.Numerics;
using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>
/// A checkpoint as PyTorch wrote it before 1.6: five pickles (magic number, protocol, properties of the machine, the
/// object, keys of the storages), then for each key the number of elements (8 bytes) and the elements.
/// </summary>
sealed class TorchLegacy
{
    const long Protocol = 1001;
    const int CountBytes = sizeof(long);

    static readonly BigInteger MagicNumber = BigInteger.Parse("119547037146038801333356");

    readonly MappedFile _file;
    readonly Dictionary<string, TorchStorage> _storages = [];

    TorchLegacy(MappedFile file) => _file = file;

    public static List<StoredTensor> Read(MappedFile file) => new TorchLegacy(file).Read();

    List<StoredTensor> Read()
    {
        ReadOnlySpan<byte> pickles = _file.Span(0, (int)Math.Min(_file.Length, Array.MaxLength));
        var reader = new PickleReader(_file, pickles, FindStorage);
        if (reader.Read() is not BigInteger magic || magic != MagicNumber)
            throw _file.Invalid("a pickle, but not one of torch.save: its magic number is missing");
        if (reader.Read() is not Protocol) throw _file.Invalid($"expected legacy protocol {Protocol}");
        if (reader.Read() is not PickleDict machine || machine.Find("little_endian") is not true)
            throw _file.Invalid("expected little_endian = True, other byte orders are not supported");
        object? root = reader.Read();
        if (reader.Read() is not PickleList keys) throw _file.Invalid("expected a list of storage keys");
        ReadStorages(keys, reader.Position);
        return TorchStateDict.Tensors(_file, root, _storages.Values);
    }

    TorchStorage FindStorage(StorageReference reference)
    {
        if (!_storages.TryGetValue(reference.Key, out TorchStorage? storage))
            _storages.Add(reference.Key, storage = new TorchStorage(reference.Key, reference.Type, reference.Count));
        if (storage.Type != reference.Type || storage.Count != reference.Count)
            throw _file.Invalid($"storage '{reference.Key}': found as {reference.Count} {reference.Type}"
                + $" and as {storage.Count} {storage.Type}");
        return storage;
    }

    void ReadStorages(PickleList keys, long position)
    {
        foreach (object? item in keys.Items)
        {
            string key = item as string ?? "?";
            if (!_storages.TryGetValue(key, out TorchStorage? storage) || storage.Bytes is not null)
                throw _file.Invalid($"storage key '{key}' is used by no tensor, or occurs twice");
            int elementBytes = storage.Type.Bytes();
            if (_file.Length - position < CountBytes) throw _file.Invalid($"the file ends before storage '{key}'");
            long count = BinaryPrimitives.ReadInt64LittleEndian(_file.Span(position, CountBytes));
            position += CountBytes;
            if (count != storage.Count)
                throw _file.Invalid($"storage '{key}': found {count} elements, expected {storage.Count}");
            if (count > (_file.Length - position) / elementBytes)
                throw _file.Invalid($"storage '{key}': {_file.Length - position} bytes are left, expected {count}"
                    + $" elements of {storage.Type}: the file is truncated or damaged");
            storage.Bytes = _file.All.Slice(position, count * elementBytes);
            position += count * elementBytes;
        }
        if (position != _file.Length)
            throw _file.Invalid($"{_file.Length - position} bytes follow the last storage, expected none");
    }
}
