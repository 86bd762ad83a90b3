namespace Cfr.Tensors.Files;

/// <summary>Python's tuple. Other values are null, bool, long, BigInteger, double and string.</summary>
sealed class PickleTuple(object?[] items)
{
    public object?[] Items { get; } = items;
}

/// <summary>Python's list.</summary>
sealed class PickleList
{
    public List<object?> Items { get; } = [];
}

/// <summary>Python's dict, or an OrderedDict: the items in the order in which they were set.</summary>
sealed class PickleDict(bool ordered)
{
    /// <summary>An OrderedDict, which may carry attributes.</summary>
    public bool Ordered { get; } = ordered;

    public List<(object? Key, object? Value)> Items { get; } = [];

    /// <summary>The value set last for a key; null if there is none.</summary>
    public object? Find(string key) => Items.FindLast(item => item.Key is string name && name == key).Value;
}
