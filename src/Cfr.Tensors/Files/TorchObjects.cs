using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>
/// The few calls that a state dict contains, as data: an OrderedDict becomes a <see cref="PickleDict"/>, a rebuilt
/// tensor a <see cref="TorchTensor"/>, a parameter the tensor within it.
/// </summary>
sealed class TorchObjects(MappedFile file, Func<StorageReference, TorchStorage> findStorage, long pickleBytes)
{
    long _itemsCopied;

    /// <summary>Byte of the pickle that is being read, for messages.</summary>
    public long Position { get; set; }

    public object? Call(PickleGlobal global, object?[] arguments) => (global, arguments) switch
    {
        (PickleGlobal.OrderedDict, []) => new PickleDict(ordered: true),
        (PickleGlobal.OrderedDict, [PickleList pairs]) => OrderedDict(pairs),
        (PickleGlobal.RebuildTensor, [var storage, var offset, var shape, var strides]) =>
            Tensor(storage, offset, shape, strides),
        (PickleGlobal.RebuildTensorV2, [var storage, var offset, var shape, var strides, _, _]) =>
            Tensor(storage, offset, shape, strides),
        (PickleGlobal.RebuildTensorV2, [var storage, var offset, var shape, var strides, _, _, _]) =>
            Tensor(storage, offset, shape, strides),
        (PickleGlobal.RebuildParameter, [TorchTensor tensor, _, _]) => tensor,
        (PickleGlobal.Size, [PickleTuple sizes]) => sizes,
        (PickleGlobal.Device, [string, ..]) => PickleGlobal.Device,
        _ => throw Invalid($"'{global}' is called with {arguments.Length} arguments that it does not take"),
    };

    /// <summary>("storage", class, key, location, element count[, (view key, offset, count) or None]).</summary>
    public object Storage(object? persistentId)
    {
        if ((persistentId as PickleTuple)?.Items
            is not ["storage", PickleGlobal kind, string key, string, long count, .. { Length: <= 1 } view])
            throw Invalid("found a persistent id that is no (storage, class, key, location, count)");
        if (PickleGlobals.StorageType(kind) is not { } type)
            throw Invalid($"storage '{key}': '{kind}' has no type of elements");
        if (count < 0) throw Invalid($"storage '{key}': found {count} elements");
        TorchStorage storage = findStorage(new StorageReference(key, type, count));
        return view switch
        {
            [] or [null] => storage,
            [PickleTuple { Items: [_, long offset, long viewCount] }] => View(storage, offset, viewCount),
            _ => throw Invalid($"storage '{key}': found a view that is no (key, offset, count)"),
        };
    }

    public WeightFileException Invalid(string reason) => file.Invalid($"pickle, byte {Position}: {reason}");

    PickleDict OrderedDict(PickleList pairs)
    {
        // The same list can be named again and again: without a limit, copies would grow with the square of the file.
        _itemsCopied += pairs.Items.Count;
        if (_itemsCopied > pickleBytes) throw Invalid("more items are copied than the file can hold");
        var dict = new PickleDict(ordered: true);
        foreach (object? pair in pairs.Items)
            dict.Items.Add(pair switch
            {
                PickleTuple { Items: [var key, var value] } => (key, value),
                PickleList { Items: [var key, var value] } => (key, value),
                _ => throw Invalid("an OrderedDict is made of something that is no pairs"),
            });
        return dict;
    }

    TorchTensor Tensor(object? storage, object? offset, object? shape, object? strides)
    {
        if (offset is not long start || shape is not PickleTuple sizes || strides is not PickleTuple steps
            || sizes.Items.Length != steps.Items.Length || sizes.Items.Length > TensorShape.MaxRank)
            throw Invalid($"a tensor needs an offset, a shape and as many strides, at most {TensorShape.MaxRank}");
        StorageView part = storage switch
        {
            TorchStorage whole => new StorageView(whole, 0, whole.Count),
            StorageView view => view,
            _ => throw Invalid("a tensor is made of something that is no storage"),
        };
        return new TorchTensor(part.Storage, part.Offset, part.Count, start, Integers(sizes), Integers(steps));
    }

    long[] Integers(PickleTuple tuple)
    {
        var integers = new long[tuple.Items.Length];
        for (int i = 0; i < integers.Length; i++)
            integers[i] = tuple.Items[i] is long value ? value : throw Invalid("a size or stride is no integer");
        return integers;
    }

    StorageView View(TorchStorage storage, long offset, long count)
    {
        if (offset < 0 || count < 0 || offset > storage.Count || count > storage.Count - offset)
            throw Invalid($"storage '{storage.Key}': found {count} elements at {offset} of it, it has {storage.Count}");
        return new StorageView(storage, offset, count);
    }

    /// <summary>A part of a storage, as very old files know it.</summary>
    sealed record StorageView(TorchStorage Storage, long Offset, long Count);
}
