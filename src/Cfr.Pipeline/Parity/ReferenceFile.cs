using System.Globalization;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Parity;

/// <summary>How a tensor of a reference file, which lies as PyTorch has it, lies here.</summary>
enum ReferenceLayout
{
    /// <summary>As it is.</summary>
    Same,
    /// <summary>[N, C, X, Y, Z] there, [N, X, Y, Z, C] here; images alike.</summary>
    ChannelsLast,
    /// <summary>[O, I, x, y, z] there, [x, y, z, I, O] here.</summary>
    Kernel,
}

/// <summary>
/// A safetensors file of reference tensors. Its metadata's <c>kind</c> says what it is. It remembers which tensors were
/// asked for.
/// </summary>
sealed class ReferenceFile : IDisposable
{
    readonly WeightFile _file;
    readonly HashSet<string> _used = [];

    public ReferenceFile(string path) => _file = WeightFile.Open(path);

    public string Path => _file.Path;

    public string Kind => Text("kind");

    public ulong Seed => (ulong)Integer("seed");

    public IEnumerable<string> Names => _file.Tensors.Keys;

    public IReadOnlyList<string> Unused => [.. Names.Where(name => !_used.Contains(name))];

    public void Dispose() => _file.Dispose();

    public bool Has(string tensor) => _file.Tensors.ContainsKey(tensor);

    public bool Says(string key) => _file.Metadata.ContainsKey(key);

    public string Text(string key) => _file.Metadata.TryGetValue(key, out string? value)
        ? value
        : throw Bad($"its metadata has no '{key}' (it has {string.Join(", ", _file.Metadata.Keys.DefaultIfEmpty("nothing"))})");

    public int Integer(string key) => int.TryParse(Text(key), NumberStyles.Integer, CultureInfo.InvariantCulture, out int value)
        ? value
        : throw Bad($"its metadata has {key} = '{Text(key)}'; expected a whole number");

    /// <summary>Three numbers, written as (a, b, c) or [a, b, c].</summary>
    public int[] Triple(string key)
    {
        string[] words = Text(key).Trim('(', ')', '[', ']', ' ').Split(',', StringSplitOptions.TrimEntries);
        int[] values = [.. words.Select(word => int.TryParse(word, CultureInfo.InvariantCulture, out int value) ? value : -1)];
        return values.Length == 3 && values.All(value => value > 0)
            ? values
            : throw Bad($"its metadata has {key} = '{Text(key)}'; expected three sizes");
    }

    /// <summary>Sizes as in the file.</summary>
    public Shape Shape(string tensor) => [.. _file[tensor].Shape.ToArray().Select(size => checked((int)size))];

    /// <summary>Numbers as in the file.</summary>
    public double[] Values(string tensor)
    {
        _used.Add(tensor);
        double[] values = new double[_file[tensor].Count];
        _file[tensor].CopyTo(values.AsSpan());
        return values;
    }

    /// <summary>The same, rounded to float32.</summary>
    public float[] Floats(string tensor) => [.. Values(tensor).Select(value => (float)value)];

    /// <summary>Bytes: a mask, or classes.</summary>
    public byte[] Bytes(string tensor) => [.. Values(tensor).Select(value => (byte)value)];

    /// <summary>Indices into an array of that length.</summary>
    public int[] Indices(string tensor, int length)
    {
        double[] values = Values(tensor);
        if (values.Any(value => !(value >= 0 && value < length)))
            throw Bad($"'{tensor}' leads out of the {length} elements computed");
        return [.. values.Select(value => (int)value)];
    }

    /// <summary>A tensor of the numbers.</summary>
    public Tensor Tensor(Session session, string tensor, ReferenceLayout layout = ReferenceLayout.Same) =>
        Here(session.Tensor(Floats(tensor), Shape(tensor)), layout);

    /// <summary>A tensor of labels.</summary>
    public Tensor Labels(Session session, string tensor) =>
        session.Labels([.. Values(tensor).Select(value => (int)value)], Shape(tensor));

    /// <summary>From the file's layout to ours.</summary>
    public static Tensor Here(Tensor there, ReferenceLayout layout) => layout switch
    {
        ReferenceLayout.ChannelsLast => there.Rank == 4 ? there.Permute(0, 2, 3, 1) : there.Permute(0, 2, 3, 4, 1),
        ReferenceLayout.Kernel => there.Permute(2, 3, 4, 1, 0),
        _ => there,
    };

    /// <summary>From our layout to the file's.</summary>
    public static Tensor There(Tensor here, ReferenceLayout layout) => layout switch
    {
        ReferenceLayout.ChannelsLast =>
            here.Rank == 4 ? here.Detach().Permute(0, 3, 1, 2) : here.Detach().Permute(0, 4, 1, 2, 3),
        ReferenceLayout.Kernel => here.Detach().Permute(4, 3, 0, 1, 2),
        _ => here,
    };

    public BadDataException Bad(string reason) => new($"{Path}: {reason}");
}
