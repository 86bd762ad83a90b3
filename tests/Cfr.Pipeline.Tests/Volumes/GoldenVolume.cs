using System.Text.Json;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Volumes;

/// <summary>The files of tests/Golden/volumes and what nibabel, h5py and teem read from them.</summary>
sealed class GoldenVolume(string path, JsonElement expected)
{
    static readonly JsonElement All =
        JsonDocument.Parse(File.ReadAllText(Golden.Path("volumes/expected.json"))).RootElement;

    public string Path { get; } = path;

    public int[] Shape => [.. Property("shape").EnumerateArray().Select(size => size.GetInt32())];

    public GridSize Size => new(Shape[0], Shape[1], Shape[2]);

    public Affine Affine => new(Numbers("affine"));

    public static IEnumerable<string> Names(string group) =>
        All.GetProperty(group).EnumerateObject().Select(item => item.Name);

    public static GoldenVolume Get(string group, string name) =>
        new(Golden.Path($"volumes/{name}"), All.GetProperty(group).GetProperty(name));

    public JsonElement Property(string name) => expected.GetProperty(name);

    public double[] Numbers(string name) =>
    [
        .. Property(name).EnumerateArray().Select(value => value.ValueKind == JsonValueKind.Number
            ? value.GetDouble()
            : value.GetString() switch { "inf" => double.PositiveInfinity, _ => double.NaN })
    ];

    public float[] Values(string name = "values") => [.. Numbers(name).Select(value => (float)value)];

    /// <summary>Largest difference of two affines, in mm.</summary>
    public static double Difference(Affine first, Affine second) =>
        Enumerable.Range(0, 12).Max(i => Math.Abs(first[i / 4, i % 4] - second[i / 4, i % 4]));
}
