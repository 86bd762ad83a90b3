using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace Cfr.TestKit;

/// <summary>
/// Writes a state dict as PyTorch 1.6 and later do: a zip of stored members, a pickle of protocol 2 that is an
/// OrderedDict of rebuilt tensors, a member of raw elements for each. float32 alone.
/// </summary>
public static class TorchZipWriter
{
    const string Root = "archive";

    /// <summary>Writes the file.</summary>
    /// <param name="path">Where.</param>
    /// <param name="tensors">Names and sizes.</param>
    /// <param name="values">The elements of the tensor of that number, asked for when their turn comes.</param>
    public static void Write(
        string path, IReadOnlyList<(string Name, int[] Sizes)> tensors, Func<int, float[]> values)
    {
        using FileStream file = File.Create(path);
        using var zip = new ZipArchive(file, ZipArchiveMode.Create);
        Add(zip, "data.pkl", Pickle(tensors));
        for (int i = 0; i < tensors.Count; i++) Add(zip, $"data/{i}", MemoryMarshal.AsBytes(values(i).AsSpan()));
        Add(zip, "version", "3\n"u8);
    }

    static void Add(ZipArchive zip, string name, ReadOnlySpan<byte> content)
    {
        using Stream stream = zip.CreateEntry($"{Root}/{name}", CompressionLevel.NoCompression).Open();
        stream.Write(content);
    }

    static byte[] Pickle(IReadOnlyList<(string Name, int[] Sizes)> tensors)
    {
        using var pickle = new MemoryStream();
        Write("\x80\x02");
        EmptyOrderedDict();
        Write("(");
        for (int i = 0; i < tensors.Count; i++)
        {
            int[] sizes = tensors[i].Sizes, strides = new int[sizes.Length];
            int count = 1;
            for (int axis = sizes.Length - 1; axis >= 0; count *= sizes[axis--]) strides[axis] = count;
            Text(tensors[i].Name);
            Write("ctorch._utils\n_rebuild_tensor_v2\n((");
            Text("storage");
            Write("ctorch\nFloatStorage\n");
            Text(i.ToString());
            Text("cpu");
            Number(count);
            Write("tQ");
            Number(0);
            Tuple(sizes);
            Tuple(strides);
            Write("\x89");
            EmptyOrderedDict();
            Write("tR");
        }
        Write("u.");
        return pickle.ToArray();

        void Write(string opcodes) => pickle.Write(Encoding.Latin1.GetBytes(opcodes));

        void EmptyOrderedDict() => Write("ccollections\nOrderedDict\n)R");

        void Text(string text)
        {
            Write("X");
            Int32(Encoding.UTF8.GetByteCount(text));
            pickle.Write(Encoding.UTF8.GetBytes(text));
        }

        void Number(int value)
        {
            Write("J");
            Int32(value);
        }

        void Tuple(int[] items)
        {
            Write("(");
            foreach (int item in items) Number(item);
            Write("t");
        }

        void Int32(int value)
        {
            Span<byte> bytes = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            pickle.Write(bytes);
        }
    }
}
