using System.Text.RegularExpressions;
using Cfr.Kernels;

namespace Cfr.Tensors;

/// <summary>How a weight lies in PyTorch's files, when that differs from how it lies here.</summary>
public enum FileLayout
{
    /// <summary>The same.</summary>
    Same,
    /// <summary>
    /// Kernels of convolutions: <c>[O, I, k..]</c> in files (<c>[I, O, k..]</c> for transposed ones), <c>[k.., I,
    /// O]</c> (<c>[k.., O, I]</c>) here: the two channel axes change places and move to the end.
    /// </summary>
    Kernel,
}

/// <summary>A parameter or buffer of a model under its PyTorch name.</summary>
/// <param name="Name">Its path: <c>image_encoder.blocks.0.attn.qkv.weight</c>.</param>
/// <param name="Tensor">Its numbers.</param>
/// <param name="IsParameter">True for what an optimiser may train, false for buffers such as running means.</param>
/// <param name="Layout">How it lies in files.</param>
/// <param name="FileType">Its element type in files.</param>
public sealed record Weight(
    string Name, Tensor Tensor, bool IsParameter, FileLayout Layout = FileLayout.Same, DType FileType = DType.Float32)
{
    /// <summary>Its shape in a file.</summary>
    public Shape FileShape =>
        Layout == FileLayout.Same ? Tensor.Shape : [Tensor.Size(^1), Tensor.Size(^2), .. Tensor.Shape[..^2]];
}

/// <summary>
/// The state of a model: its parameters and buffers under the names that they have in PyTorch's checkpoints. Modules
/// receive a path into it and create what they need: <c>new Linear(w / "qkv", 768, 2304)</c> makes <c>qkv.weight</c>
/// and <c>qkv.bias</c>.
/// </summary>
/// <example><code>
/// var weights = new Weights(session);
/// var layer = new Linear(weights / "head", 256, 2);
/// weights.Freeze("head.bias");
/// </code></example>
public sealed class Weights
{
    readonly Store _store;
    readonly string _path;

    /// <summary>An empty state.</summary>
    /// <param name="session">Where the tensors live.</param>
    /// <param name="seed">
    /// Seed of the initial values; by default the session's next random draw, so that two models differ.
    /// </param>
    public Weights(Session session, ulong? seed = null)
        : this(new Store(session, seed ?? Seed(session.Random.Next())), "") { }

    Weights(Store store, string path)
    {
        _store = store;
        _path = path;
    }

    /// <summary>Where the tensors live.</summary>
    public Session Session => _store.Session;

    /// <summary>True while training: dropout drops, batch norm uses and updates the statistics of the batch.</summary>
    public bool Training
    {
        get => _store.Training;
        set => _store.Training = value;
    }

    /// <summary>Everything below this path, in the order of creation.</summary>
    public IEnumerable<Weight> All => _path.Length == 0
        ? _store.Entries
        : _store.Entries.Where(entry => entry.Name.StartsWith(_path, StringComparison.Ordinal));

    /// <summary>The parameters below this path.</summary>
    public IEnumerable<Weight> Parameters => All.Where(entry => entry.IsParameter);

    /// <summary>The names that lead here: <c>image_encoder.blocks.3</c>; empty for a whole model.</summary>
    public string Path => _path.TrimEnd('.');

    /// <summary>The tensor of that full name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public Tensor this[string name] => _store.ByName.TryGetValue(name, out Weight? entry)
        ? entry.Tensor
        : throw new KeyNotFoundException($"the model has no weight '{name}'");

    /// <summary>The path one name further down.</summary>
    public static Weights operator /(Weights weights, string name) => new(weights._store, $"{weights._path}{name}.");

    /// <summary>The path one number further down, as in <c>blocks.3</c>.</summary>
    public static Weights operator /(Weights weights, int index) => weights / index.ToString();

    /// <summary>
    /// Creates a parameter. Its initial values depend on the seed and its name, not on the order of creation.
    /// </summary>
    public Tensor Parameter(string name, Shape shape, Initializer initializer, FileLayout layout = FileLayout.Same)
    {
        Weight weight = Register(new(_path + name, Session.EmptyKept(shape), IsParameter: true, layout));
        initializer(weight.Tensor, new RandomStream(RandomKey.For(_store.Seed, weight.Name).Seed));
        weight.Tensor.WithGrad();
        return weight.Tensor;
    }

    /// <summary>Creates a buffer: saved with the parameters, never trained.</summary>
    public Tensor Buffer(string name, Shape shape, Initializer initializer)
    {
        Weight weight = Register(new(_path + name, Session.EmptyKept(shape), IsParameter: false));
        initializer(weight.Tensor, new RandomStream(RandomKey.For(_store.Seed, weight.Name).Seed));
        return weight.Tensor;
    }

    /// <summary>Creates a counter that starts at 0: a scalar buffer, an int64 in files.</summary>
    public Tensor Counter(string name)
    {
        Weight weight = Register(new(_path + name, Session.EmptyKept([]), IsParameter: false, FileType: DType.Int64));
        Initialize.Constant(0)(weight.Tensor, Session.Random);
        return weight.Tensor;
    }

    /// <summary>
    /// Weights whose full name fits a pattern: <c>*</c> stands for any run of letters, dots included.
    /// </summary>
    public IEnumerable<Weight> Matching(string pattern)
    {
        Regex regex = Fitting(pattern);
        return All.Where(entry => regex.IsMatch(entry.Name));
    }

    /// <summary>Linear layers below this path whose own path fits a pattern, in the order of creation.</summary>
    public IEnumerable<Linear> Linears(string pattern)
    {
        Regex regex = Fitting(pattern);
        return _store.Linears.Where(layer =>
            layer.Weights._path.StartsWith(_path, StringComparison.Ordinal) && regex.IsMatch(layer.Weights.Path));
    }

    /// <summary>Stops training the parameters whose name fits: no gradient, no optimiser step.</summary>
    /// <returns>How many there were.</returns>
    public int Freeze(string pattern) => SetTrainable(pattern, trainable: false);

    /// <summary>Trains the parameters whose name fits.</summary>
    /// <returns>How many there were.</returns>
    public int Unfreeze(string pattern) => SetTrainable(pattern, trainable: true);

    internal void Add(Linear layer) => _store.Linears.Add(layer);

    static Regex Fitting(string pattern) =>
        new($"^{Regex.Escape(pattern).Replace("\\*", ".*")}$", RegexOptions.CultureInvariant);

    int SetTrainable(string pattern, bool trainable)
    {
        int count = 0;
        foreach (Weight weight in Matching(pattern).Where(entry => entry.IsParameter))
        {
            weight.Tensor.WithGrad(trainable);
            count++;
        }
        return count;
    }

    Weight Register(Weight weight)
    {
        if (!_store.ByName.TryAdd(weight.Name, weight))
            throw new ArgumentException($"the model already has a weight '{weight.Name}'");
        _store.Entries.Add(weight);
        return weight;
    }

    static ulong Seed(RandomKey key) => key.Seed ^ (key.Stream + 1) * 0x9E3779B97F4A7C15;

    sealed class Store(Session session, ulong seed)
    {
        public Session Session { get; } = session;

        public ulong Seed { get; } = seed;

        public bool Training { get; set; } = true;

        public List<Weight> Entries { get; } = [];

        public Dictionary<string, Weight> ByName { get; } = [];

        public List<Linear> Linears { get; } = [];
    }
}
