using System.Text.Json;
using System.Text.Json.Serialization;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// The list of a data set: <c>dataset.json</c> (JSON with comments) in the folder of its files. A folder with
/// <c>train.list</c> and <c>test.list</c> instead is taken for the published left-atrium cases
/// (<c>CASE/mri_norm2.h5</c>).
/// </summary>
public static class DataSetFile
{
    /// <summary>Name of the list.</summary>
    public const string FileName = "dataset.json";

    const string Placeholder = "{case}";

    static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };

    /// <summary>Opens a list, or the folder that it is in. Every image must be there; volumes are not read.</summary>
    /// <exception cref="BadDataException">No list, a list that makes no sense, or a case whose image is missing.</exception>
    public static DataSet Open(string path)
    {
        string list = Directory.Exists(path) ? Path.Combine(path, FileName) : path;
        if (File.Exists(list)) return Read(list);
        if (File.Exists(Path.Combine(path, "train.list"))) return PublishedLeftAtrium(path);
        throw new BadDataException($"{list}: no such list; expected a {FileName} or a folder that has one");
    }

    /// <summary>A list as it is written.</summary>
    internal static byte[] Bytes(DataSetList list) => [.. JsonSerializer.SerializeToUtf8Bytes(list, Options), (byte)'\n'];

    static DataSet Read(string path)
    {
        DataSetList list;
        try
        {
            using FileStream stream = File.OpenRead(path);
            list = JsonSerializer.Deserialize<DataSetList>(stream, Options)
                ?? throw new BadDataException($"{path}: holds null; expected an object");
        }
        catch (JsonException fault)
        {
            string where = fault.LineNumber is { } line ? $" line {line + 1}:" : "";
            string what = fault.Message.Contains("could not be converted")
                ? $"'{fault.Path?.TrimStart('$', '.')}' has a value that makes no sense there"
                : fault.Message.Split(" Path: ")[0].ReplaceLineEndings(" ");
            throw new BadDataException($"{path}:{where} {what}", fault);
        }
        Check(path, list);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return new DataSet
        {
            Name = list.Name,
            ListPath = path,
            Classes = list.Classes,
            Spacing = list.Spacing,
            Orientation = list.Orientation,
            Axes = list.Axes ?? "xyz",
            Normalization = list.Normalization ?? Normalization.ZScore,
            Train = Cases(list.Train),
            Validation = Cases(list.Validation ?? []),
            Test = Cases(list.Test ?? []),
        };

        Case[] Cases(IEnumerable<string> names) => [.. names.Select(name => Locate(
            path, name, Path.Combine(folder, list.Images.Replace(Placeholder, name)),
            Path.Combine(folder, list.Labels.Replace(Placeholder, name))))];
    }

    static DataSet PublishedLeftAtrium(string folder)
    {
        string train = Path.Combine(folder, "train.list"), test = Path.Combine(folder, "test.list");
        var seen = new HashSet<string>();
        return LeftAtrium.Described(train) with { Train = Cases(train), Test = File.Exists(test) ? Cases(test) : [] };

        Case[] Cases(string list) => [.. File.ReadLines(list).Select(line => line.Trim()).Where(line => line != "")
            .Select(name => seen.Add(name) ? name : throw new BadDataException($"{list}: case {name} is listed twice"))
            .Select(name => (name, file: Path.Combine(folder, name, "mri_norm2.h5")))
            .Select(each => Locate(list, each.name, each.file, each.file))];
    }

    static Case Locate(string list, string name, string image, string label)
    {
        if (!File.Exists(image)) throw new BadDataException($"{list}: case {name}: there is no {image}");
        return new Case(name, image, File.Exists(label) ? label : null);
    }

    static void Check(string path, DataSetList list)
    {
        if (list.Classes.Count is < 2 or > 255)
            throw Fault($"{list.Classes.Count} classes; expected the background and 1 to 254 more");
        if (Repeated(list.Classes) is { } twice) throw Fault($"class '{twice}' is named twice");
        if (list.Spacing is { } spacing && (spacing.Count != 3 || spacing.Any(size => !(size > 0))))
            throw Fault($"spacing [{string.Join(", ", spacing)}]; expected three sizes in mm");
        if (list.Axes is { } axes && string.Concat(axes.Order()) != "xyz")
            throw Fault($"axes '{axes}'; expected the letters x, y and z in the order of the files' axes");
        if (list.Orientation is { } code)
        {
            try
            {
                Orientation.Parse(code);
            }
            catch (ArgumentException fault)
            {
                throw Fault(fault.Message);
            }
        }
        foreach (string pattern in (string[])[list.Images, list.Labels])
            if (!pattern.Contains(Placeholder)) throw Fault($"file pattern '{pattern}'; expected {Placeholder} in it");
        if (list.Train.Count == 0 && list.Test is null or []) throw Fault("no cases; expected names in train or test");
        if (Repeated([.. list.Train, .. list.Validation ?? [], .. list.Test ?? []]) is { } name)
            throw Fault($"case {name} is listed twice");

        BadDataException Fault(string what) => new($"{path}: {what}");

        static string? Repeated(IEnumerable<string> names) =>
            names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1)?.Key;
    }
}

/// <summary>What stands in a <c>dataset.json</c>.</summary>
sealed record DataSetList
{
    public required string Name { get; init; }

    /// <summary>Anything worth knowing; for readers.</summary>
    public string? Description { get; init; }

    public required IReadOnlyList<string> Classes { get; init; }

    public IReadOnlyList<double>? Spacing { get; init; }

    public string? Orientation { get; init; }

    public string? Axes { get; init; }

    public Normalization? Normalization { get; init; }

    public string Images { get; init; } = "images/{case}.nii.gz";

    public string Labels { get; init; } = "labels/{case}.nii.gz";

    public required IReadOnlyList<string> Train { get; init; }

    public IReadOnlyList<string>? Validation { get; init; }

    public IReadOnlyList<string>? Test { get; init; }
}
