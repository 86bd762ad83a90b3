namespace Cfr.Tensors.Files;

/// <summary>
/// An open file of named tensors: safetensors, a PyTorch checkpoint (.pth or .pt, zip or legacy), .npy or .npz. The
/// content decides which, whatever the extension. Everything but the elements is read and checked when the file is
/// opened; the elements stay on the disk until they are asked for.
/// </summary>
/// <remarks>
/// Nothing in a checkpoint is executed: its pickle is read as data, and what is no tensor or plain value is refused by
/// name. Wrappers around a state dict are looked through: the keys <c>model</c>, <c>state_dict</c>,
/// <c>model_state_dict</c> and <c>net</c>, and the prefixes <c>module.</c> and <c>sam.</c> that all names share.
/// </remarks>
/// <example><code>
/// using var file = WeightFile.Open("sam_vit_b_01ec64.pth");
/// var tokens = new float[file["mask_decoder.iou_token.weight"].Count];
/// file["mask_decoder.iou_token.weight"].CopyTo(tokens.AsSpan());
/// </code></example>
public sealed class WeightFile : IDisposable
{
    const int TarMagicAt = 257;

    readonly MappedFile _file;
    readonly Dictionary<string, StoredTensor> _tensors = [];

    WeightFile(MappedFile file)
    {
        _file = file;
        foreach (StoredTensor tensor in ReadTensors())
            if (!_tensors.TryAdd(tensor.Name, tensor))
                throw file.Invalid($"tensor '{tensor.Name}' occurs twice");
    }

    /// <summary>Path of the file.</summary>
    public string Path => _file.Path;

    /// <summary>All tensors by name, in the order of the file.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    /// <summary>Metadata of a safetensors file; empty for other formats.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; private set; } = new Dictionary<string, string>();

    /// <summary>The tensor with a name.</summary>
    /// <exception cref="WeightFileException">There is none.</exception>
    public StoredTensor this[string name] =>
        _tensors.TryGetValue(name, out StoredTensor? tensor)
            ? tensor
            : throw _file.Invalid($"the file has no tensor '{name}'; it has {_tensors.Count}, the first are"
                + $" [{string.Join(", ", _tensors.Keys.Take(4))}]");

    /// <summary>Opens a file and checks it. A .npy file has one tensor, named after the file.</summary>
    /// <exception cref="WeightFileException">The file is damaged, hostile, or of another kind.</exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static WeightFile Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            return new WeightFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Closes the file. Its tensors and their bytes cannot be used any more.</summary>
    public void Dispose() => _file.Dispose();

    List<StoredTensor> ReadTensors()
    {
        ReadOnlySpan<byte> start = _file.Span(0, (int)Math.Min(_file.Length, 512));
        if (start.StartsWith("PK\x3\x4"u8) || start.StartsWith("PK\x5\x6"u8)) return ReadZip();
        if (start.StartsWith(NpyFile.Magic))
            return [NpyFile.Read(_file.All, System.IO.Path.GetFileNameWithoutExtension(Path))];
        if (start.Length > SafetensorsFile.LengthBytes && start[SafetensorsFile.LengthBytes] == (byte)'{')
        {
            (List<StoredTensor> tensors, Metadata) = SafetensorsFile.Read(_file);
            return tensors;
        }
        if (start[0] == (byte)PickleOpcode.Proto) return TorchLegacy.Read(_file);
        if (start.Length > TarMagicAt && start[TarMagicAt..].StartsWith("ustar"u8))
            throw _file.Invalid("found a tar file of the first PyTorch versions, expected a later checkpoint");
        throw _file.Invalid($"found a file that begins with {Convert.ToHexString(start[..Math.Min(start.Length, 8)])},"
            + " expected safetensors, a PyTorch checkpoint (zip or legacy), .npy or .npz");
    }

    List<StoredTensor> ReadZip()
    {
        ZipDirectory zip = ZipDirectory.Read(_file);
        if (TorchZip.Has(zip)) return TorchZip.Read(_file, zip);
        if (NpzFile.Has(zip)) return NpzFile.Read(zip);
        throw _file.Invalid("found a zip that holds neither data.pkl (a PyTorch checkpoint) nor .npy members (npz)");
    }
}
