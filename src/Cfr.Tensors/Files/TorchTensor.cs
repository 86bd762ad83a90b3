using Cfr.Kernels;

namespace Cfr.Tensors.Files;

/// <summary>Elements that several tensors may share. A legacy file tells after the pickle where they are.</summary>
sealed class TorchStorage(string key, DType type, long count)
{
    public string Key { get; } = key;

    public DType Type { get; } = type;

    public long Count { get; } = count;

    public FileBytes? Bytes { get; set; }
}

/// <summary>How a pickle refers to a storage.</summary>
readonly record struct StorageReference(string Key, DType Type, long Count);

/// <summary>
/// A tensor as a checkpoint describes it, not checked yet: element (i0, i1, ...) is part[offset + sum i * stride],
/// where part is the storage's elements from <paramref name="PartStart"/> on, <paramref name="PartCount"/> of them.
/// </summary>
sealed record TorchTensor(
    TorchStorage Storage, long PartStart, long PartCount, long Offset, long[] Shape, long[] Strides);
