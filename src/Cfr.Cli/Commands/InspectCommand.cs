using System.CommandLine;
using System.Text.Json.Nodes;
using Cfr.Pipeline;
using Cfr.Pipeline.Volumes;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr inspect FILE...</c>: what volumes are, where they lie, and what values they hold.</summary>
static class InspectCommand
{
    const int MostClasses = 20;

    static readonly double[] Percents = [0.5, 1, 5, 25, 50, 75, 95, 99, 99.5];

    public static Command Create()
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "NIfTI (.nii, .nii.gz, .hdr), NRRD (.nrrd, .nhdr) or HDF5 (.h5) files.",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command("inspect", "Prints sizes, spacing, orientation, affine and intensities of volumes.")
        {
            files, CommonOptions.Json,
        };
        command.SetAction(arguments => Run(arguments.GetValue(files)!, arguments.GetValue(CommonOptions.Json)));
        return command;
    }

    /// <summary>A file that cannot be read is told, and the others are still inspected.</summary>
    static int Run(string[] paths, bool isJson)
    {
        var found = new JsonArray();
        int code = ExitCode.Done;
        foreach (string path in paths)
        {
            try
            {
                VolumeHeader header = VolumeFile.ReadHeader(path);
                (string Name, Intensities Values)[] sets = [.. Sets(header)];
                if (isJson) found.Add((JsonNode)Json(header, sets));
                else Print(header, sets);
            }
            catch (Exception error) when (error is BadDataException or IOException)
            {
                Console.Error.WriteLine($"cfr: {error.Message}");
                code = ExitCode.BadData;
            }
        }
        if (isJson) Console.WriteLine(found.ToString());
        return code;
    }

    static IEnumerable<(string Name, Intensities Values)> Sets(VolumeHeader header)
    {
        if (header.DataSets is not ["label"])
            yield return ("image", Intensities.Of(VolumeFile.Read(header.Path, 0).Voxels, Percents));
        if (header.DataSets.Contains("label"))
        {
            byte[] labels = VolumeFile.ReadLabels(header.Path).Voxels;
            yield return ("label", Intensities.Of(Array.ConvertAll(labels, label => (float)label), Percents));
        }
    }

    static void Print(VolumeHeader header, (string Name, Intensities Values)[] sets)
    {
        Geometry geometry = header.Geometry;
        var (x, y, z) = geometry.Spacing;
        var lines = new Grid().AddColumns(2);
        void Line(string name, string text) => lines.AddRow(new Text("  " + name), new Text(text));

        string order = header.BigEndian ? ", big-endian" : "";
        bool isScaled = header.Slope != 1 || header.Intercept != 0;
        string scaling = isScaled ? $", times {header.Slope:G6} plus {header.Intercept:G6}" : "";
        Line("format", $"{header.Format}, {header.Type}{order}{scaling}");
        Line("size", geometry.Size + (header.Volumes > 1 ? $", {header.Volumes} volumes; the first is measured" : ""));
        Line("spacing", $"{x:G6} x {y:G6} x {z:G6} mm" + (geometry.IsOriented ? "" : " (the file may not say it)"));
        Line("orientation", (geometry.IsOriented ? "" : "unknown, taken as ") + geometry.Orientation);
        for (int row = 0; row < 3; row++)
            Line(row == 0 ? "affine" : "", Row(geometry.Affine, row));
        if (header.FormCodes is { } codes) Line("codes", $"qform {codes.Qform}, sform {codes.Sform}");
        foreach (var (name, values) in sets) Print(name, values, Line);
        foreach (string note in header.Notes) Line("note", note);

        AnsiConsole.Write(new Text(header.Path + "\n"));
        AnsiConsole.Write(lines);
        AnsiConsole.WriteLine();
    }

    static string Row(Affine affine, int row) =>
        string.Concat(Enumerable.Range(0, 4).Select(column => $"{Math.Round(affine[row, column], 6),12:G6}"));

    static void Print(string name, Intensities values, Action<string, string> line)
    {
        string moments = $"mean {values.Mean:G6}, deviation {values.Deviation:G6}";
        line(name, $"{values.Minimum:G6} to {values.Maximum:G6}, {moments}");
        line("percentiles", string.Join("  ", values.Percentiles.Select(p => $"{p.Percent}%: {p.Value:G6}")));
        if (values.NaN > 0) line("NaN", $"{values.NaN} of {values.Count} voxels");
        if (values.Infinite > 0) line("infinite", $"{values.Infinite} of {values.Count} voxels");
        if (values.Classes is not { } classes) return;
        IEnumerable<string> counts = classes.OrderBy(c => c.Key).Take(MostClasses).Select(c => $"{c.Key}: {c.Value}");
        string more = classes.Count > MostClasses ? $"  and {classes.Count - MostClasses} more" : "";
        line("classes", string.Join("  ", counts) + more);
    }

    static JsonObject Json(VolumeHeader header, (string Name, Intensities Values)[] sets)
    {
        Geometry geometry = header.Geometry;
        var (x, y, z) = geometry.Spacing;
        JsonNode Row(int row) =>
            new JsonArray([.. Enumerable.Range(0, 4).Select(column => JsonValue.Create(geometry.Affine[row, column]))]);
        var json = new JsonObject
        {
            ["file"] = header.Path,
            ["format"] = header.Format,
            ["type"] = header.Type.ToString().ToLowerInvariant(),
            ["big_endian"] = header.BigEndian,
            ["slope"] = header.Slope,
            ["intercept"] = header.Intercept,
            ["size"] = new JsonArray(geometry.Size.X, geometry.Size.Y, geometry.Size.Z),
            ["volumes"] = header.Volumes,
            ["spacing"] = new JsonArray(x, y, z),
            ["orientation"] = geometry.IsOriented ? geometry.Orientation.Code : null,
            ["affine"] = new JsonArray(Row(0), Row(1), Row(2)),
            ["qform_code"] = header.FormCodes?.Qform,
            ["sform_code"] = header.FormCodes?.Sform,
            ["notes"] = new JsonArray([.. header.Notes.Select(note => JsonValue.Create(note))]),
        };
        foreach (var (name, values) in sets) json[name] = Json(values);
        return json;
    }

    static JsonObject Json(Intensities values) => new()
    {
        ["minimum"] = Finite(values.Minimum),
        ["maximum"] = Finite(values.Maximum),
        ["mean"] = Finite(values.Mean),
        ["deviation"] = Finite(values.Deviation),
        ["percentiles"] = Object(values.Percentiles.Select(p => ($"{p.Percent}", Finite(p.Value)))),
        ["nan"] = values.NaN,
        ["infinite"] = values.Infinite,
        ["classes"] = values.Classes is { } classes
            ? Object(classes.OrderBy(c => c.Key).Select(c => ($"{c.Key}", (JsonNode?)c.Value)))
            : null,
    };

    static JsonObject Object(IEnumerable<(string Name, JsonNode? Value)> members) =>
        new(members.Select(member => KeyValuePair.Create(member.Name, member.Value)));

    static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;
}
