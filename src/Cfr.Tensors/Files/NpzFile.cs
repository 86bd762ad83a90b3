using System.IO.Compression;

namespace Cfr.Tensors.Files;

/// <summary>NumPy's .npz format: a zip with one .npy member for each tensor.</summary>
public static class NpzFile
{
    const string Extension = ".npy";

    /// <summary>Writes tensors, each name once, atomically.</summary>
    /// <exception cref="ArgumentException">A name occurs twice, or a tensor is bfloat16, which NumPy lacks.</exception>
    public static void Write(string path, IReadOnlyList<TensorToStore> tensors, bool deflate = false)
    {
        var names = new HashSet<string>();
        foreach (TensorToStore tensor in tensors)
            if (!names.Add(tensor.Name))
                throw new ArgumentException($"tensor name '{tensor.Name}' occurs twice", nameof(tensors));
        byte[][] headers = [.. tensors.Select(NpyFile.Header)];
        AtomicFile.Write(path, stream =>
        {
            using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            for (int i = 0; i < tensors.Count; i++)
            {
                CompressionLevel level = deflate ? CompressionLevel.Optimal : CompressionLevel.NoCompression;
                using Stream member = zip.CreateEntry(tensors[i].Name + Extension, level).Open();
                NpyFile.WriteTo(member, headers[i], tensors[i]);
            }
        });
    }

    internal static bool Has(ZipDirectory zip) => zip.Names.Any(IsTensor);

    internal static List<StoredTensor> Read(ZipDirectory zip) =>
        [.. zip.Names.Where(IsTensor).Select(name => NpyFile.Read(zip.Open(name), name[..^Extension.Length]))];

    static bool IsTensor(string name) => name.EndsWith(Extension, StringComparison.Ordinal);
}
