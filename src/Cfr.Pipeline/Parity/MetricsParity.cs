using System.Text.Json;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>metrics</c>: pairs of masks <c>NN.pred</c>, <c>NN.gt</c> whose scores stand in the JSON file of the same name
/// beside; <c>lcc.*</c> is the largest component, <c>multi.*</c> several classes.
/// </summary>
static class MetricsParity
{
    const double Tolerance = 1e-9;

    public static void Run(ParityRun run)
    {
        ReferenceFile file = run.File;
        JsonElement expected = Expected(file);
        foreach (JsonElement pair in expected.GetProperty("cases").EnumerateArray()) CheckPair(run, pair);
        if (file.Has("lcc.mask"))
        {
            CheckComponent(run, "lcc.largest_26conn", Connectivity.Corners);
            CheckComponent(run, "lcc.largest_6conn", Connectivity.Faces);
        }
        if (expected.TryGetProperty("multi_class", out JsonElement several)) CheckClasses(run, several);
    }

    static void CheckPair(ParityRun run, JsonElement want)
    {
        string index = $"{want.GetProperty("index").GetInt32():D2}", name = $"{index} {want.GetProperty("name").GetString()}";
        LabelMap prediction = Labels(run.File, $"{index}.pred"), truth = Labels(run.File, $"{index}.gt");
        (double, double, double)? spacing = want.GetProperty("spacing") is { ValueKind: JsonValueKind.Array } s
            ? (s[0].GetDouble(), s[1].GetDouble(), s[2].GetDouble()) : null;
        Mask a = Mask.Of(prediction, 1), b = Mask.Of(truth, 1);
        long both = a.Voxels.Zip(b.Voxels).LongCount(voxel => voxel.First && voxel.Second);
        var overlap = new Overlap(a.Count, b.Count, both);
        Compare("pred_voxels", a.Count);
        Compare("gt_voxels", b.Count);
        Compare("dice", overlap.Dice);
        Compare("jaccard", overlap.Jaccard);
        if (a.Count > 0 && b.Count > 0)
        {
            var distances = SurfaceDistances.Between(a, b, spacing);
            Compare("asd_pred_to_gt", distances.AverageToTruth);
            Compare("asd_gt_to_pred", distances.AverageToPrediction);
            Compare("assd", distances.AverageSymmetric);
            Compare("hd95", distances.Hausdorff95);
            Compare("hd", distances.Hausdorff);
            Compare("pred_surface_voxels", distances.PredictionSurface);
            Compare("gt_surface_voxels", distances.TruthSurface);
        }
        if (want.TryGetProperty("harness_uamt", out JsonElement harness) && harness.ValueKind == JsonValueKind.Array)
        {
            ClassScore score = CaseScore.Of(name, prediction, truth, classes: 2, spacing).Classes[0];
            run.Output($"{name}: harness_uamt", [score.Dice, score.Jaccard, score.Hd95, score.Asd],
                [.. harness.EnumerateArray().Select(value => value.GetDouble())], Tolerance);
        }

        void Compare(string key, double got)
        {
            if (want.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.Number)
                run.Output($"{name}: {key}", [got], [value.GetDouble()], Tolerance);
        }
    }

    static void CheckComponent(ParityRun run, string name, Connectivity connectivity)
    {
        if (!run.File.Has(name)) return;
        Mask got = LargestComponent.Of(Mask.Of(Labels(run.File, "lcc.mask"), 1), connectivity);
        run.Output(name, [.. got.Voxels.Select(voxel => voxel ? 1.0 : 0)], run.File.Values(name), Tolerance);
    }

    static void CheckClasses(ParityRun run, JsonElement want)
    {
        JsonElement triples = want.GetProperty("dice_hd95_asd");
        CaseScore got = CaseScore.Of(
            "multi", Labels(run.File, "multi.pred"), Labels(run.File, "multi.gt"), triples.GetArrayLength() + 1);
        foreach (ClassScore score in got.Classes)
        {
            run.Output($"multi: class {score.Class}", [score.Dice, score.Hd95, score.Asd],
                [.. triples[score.Class - 1].EnumerateArray().Select(value => value.GetDouble())], Tolerance);
        }
        double mean = ScoreSummary.Of([got]).Average.Metrics["dice"].Mean;
        run.Output("multi: mean_dice", [mean], [want.GetProperty("mean_dice").GetDouble()], Tolerance);
    }

    static JsonElement Expected(ReferenceFile file)
    {
        string path = Path.ChangeExtension(file.Path, ".json");
        try
        {
            return JsonDocument.Parse(File.ReadAllText(path)).RootElement;
        }
        catch (Exception error) when (error is JsonException or FileNotFoundException)
        {
            throw file.Bad($"its scores are expected in {path}: {error.Message}");
        }
    }

    static LabelMap Labels(ReferenceFile file, string name)
    {
        var size = file.Shape(name);
        return size.Rank == 3
            ? new LabelMap(Geometry.Unit(new GridSize(size[0], size[1], size[2])), file.Bytes(name))
            : throw file.Bad($"'{name}' is {size}; expected a mask of three axes");
    }
}
