using System.Globalization;
using System.Text;
using Cfr.Kernels;

namespace Cfr.Pipeline.Volumes.Nrrd;

/// <summary>
/// The text before the voxels of an NRRD file (https://teem.sourceforge.net/nrrd/format.html): a magic line NRRD000x,
/// lines "field: value", and an empty line, unless the voxels are in a file of their own.
/// </summary>
sealed class NrrdHeader
{
    const int LongestText = 1 << 20;

    static readonly (DType Type, string[] Names)[] Types =
    [
        (DType.Int8, ["signed char", "int8", "int8_t"]),
        (DType.UInt8, ["uchar", "unsigned char", "uint8", "uint8_t"]),
        (DType.Int16, ["short", "short int", "signed short", "signed short int", "int16", "int16_t"]),
        (DType.UInt16, ["ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"]),
        (DType.Int32, ["int", "signed int", "int32", "int32_t"]),
        (DType.UInt32, ["uint", "unsigned int", "uint32", "uint32_t"]),
        (DType.Int64, ["longlong", "long long", "long long int", "signed long long", "signed long long int", "int64",
            "int64_t"]),
        (DType.UInt64, ["ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"]),
        (DType.Float32, ["float"]),
        (DType.Float64, ["double"]),
    ];

    readonly string _path;
    readonly Dictionary<string, string> _fields = [];

    NrrdHeader(string path) => _path = path;

    public static ReadOnlySpan<byte> Magic => "NRRD000"u8;

    /// <summary>Reads up to the empty line, or to the end of the file.</summary>
    /// <exception cref="BadDataException">It is no such text.</exception>
    public static NrrdHeader Parse(string path, Stream stream)
    {
        var header = new NrrdHeader(path);
        int left = LongestText;
        string magic = ReadLine(path, stream, ref left) ?? "";
        if (!magic.StartsWith("NRRD000", StringComparison.Ordinal) || magic.Length != 8 || magic[7] is < '1' or > '5')
            throw new BadDataException($"{path}: magic '{Short(magic)}', expected NRRD0001 to NRRD0005");
        while (ReadLine(path, stream, ref left) is { Length: > 0 } line)
        {
            if (line[0] == '#') continue;
            int colon = line.IndexOf(':');
            if (colon < 1)
                throw new BadDataException($"{path}: header line '{Short(line)}', expected 'field: value'");
            if (line.AsSpan(colon).StartsWith(":=")) continue;
            string field = line[..colon].Trim().ToLowerInvariant(), value = line[(colon + 1)..].Trim();
            if (!header._fields.TryAdd(field, value))
                throw new BadDataException($"{path}: the field '{Short(field)}' is there twice, expected once");
        }
        return header;
    }

    public DType Type
    {
        get
        {
            string name = Required("type").ToLowerInvariant();
            foreach (var (type, names) in Types)
                if (names.Contains(name)) return type;
            throw Unexpected("type", "integers or floats of 8 to 64 bits");
        }
    }

    public bool BigEndian => Type.Bytes() > 1 && Required("endian").ToLowerInvariant() switch
    {
        "little" => false,
        "big" => true,
        _ => throw Unexpected("endian", "little or big"),
    };

    public bool IsGzip => Required("encoding").ToLowerInvariant() switch
    {
        "raw" => false,
        "gz" or "gzip" => true,
        _ => throw Unexpected("encoding", "raw or gzip"),
    };

    /// <summary>The file with the voxels, if they do not follow the header.</summary>
    public string? DataFile
    {
        get
        {
            string? name = Find("data file") ?? Find("datafile");
            if (name is null) return null;
            if (name.Length == 0 || name.Contains('%') || name.StartsWith("LIST", StringComparison.Ordinal))
                throw new BadDataException($"{_path}: data file '{Short(name)}', expected the name of one file");
            return Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path)) ?? "", name);
        }
    }

    public int LineSkip => (int)Skip("line skip", "lineskip", 0);

    /// <summary>-1: the voxels are the last bytes of the file.</summary>
    public long ByteSkip => Skip("byte skip", "byteskip", -1);

    /// <summary>Sizes of the axes, fastest first.</summary>
    public int[] Sizes
    {
        get
        {
            int dimension = Number("dimension", Required("dimension"), 1, 16);
            string[] words = Words(Required("sizes"));
            if (words.Length != dimension) throw Unexpected("sizes", $"{dimension} numbers");
            int[] sizes = [.. words.Select(word => Number("sizes", word, 1, int.MaxValue))];
            long count = 1;
            foreach (int size in sizes)
                if ((count *= size) > int.MaxValue) throw Unexpected("sizes", $"fewer than {int.MaxValue} voxels");
            return sizes;
        }
    }

    public string? Find(string field) => _fields.GetValueOrDefault(field);

    /// <summary>Vectors "(a,b,c)"; null for "none".</summary>
    public double[]?[]? Vectors(string field)
    {
        if (Find(field) is not { } text) return null;
        var vectors = new List<double[]?>();
        for (string rest = text.Trim(); rest.Length > 0;)
        {
            int end = rest.StartsWith("none", StringComparison.OrdinalIgnoreCase) ? 4 : rest.IndexOf(')') + 1;
            if (end == 0 || (end != 4 && rest[0] != '(')) throw Unexpected(field, "vectors like (1,0,0)");
            vectors.Add(rest[0] == '(' ? Vector(field, rest[1..(end - 1)]) : null);
            rest = rest[end..].TrimStart();
        }
        return [.. vectors];
    }

    /// <summary>A number for each axis; NaN where the file has none.</summary>
    public double[]? Numbers(string field) =>
        Find(field) is { } text ? Vector(field, string.Join(',', Words(text))) : null;

    public BadDataException Unexpected(string field, string expected) =>
        new($"{_path}: {field} '{Short(Find(field) ?? "")}', expected {expected}");

    double[] Vector(string field, string text) =>
    [
        .. text.Split(',').Select(word =>
            double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                ? value
                : throw Unexpected(field, "numbers"))
    ];

    long Skip(string field, string otherName, int least)
    {
        string? text = Find(field) ?? Find(otherName);
        return text is null ? 0 : Number(field, text, least, int.MaxValue);
    }

    int Number(string field, string text, int least, int most) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            && value >= least && value <= most
            ? value
            : throw new BadDataException($"{_path}: {field} '{Short(text)}', expected whole numbers from {least}");

    string Required(string field) =>
        Find(field) ?? throw new BadDataException($"{_path}: its header has no field '{field}', expected one");

    static string[] Words(string text) =>
        text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    static string Short(string text)
    {
        string safe = string.Concat(text.Select(letter => char.IsControl(letter) ? '?' : letter));
        return safe.Length <= 60 ? safe : safe[..57] + "...";
    }

    /// <summary>Without its end of line; null at the end of the file.</summary>
    static string? ReadLine(string path, Stream stream, ref int left)
    {
        var line = new List<byte>();
        for (int next; (next = stream.ReadByte()) != '\n';)
        {
            if (next < 0) return line.Count > 0 ? Text(line) : null;
            if (--left < 0)
                throw new BadDataException(
                    $"{path}: its header is longer than {LongestText} bytes, expected an empty line");
            line.Add((byte)next);
        }
        return Text(line);

        static string Text(List<byte> line) => Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
    }
}
