using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Images;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Report;

/// <summary>
/// The folder of a complete run on small phantoms. What a network would have predicted is the truth, moved: by more
/// voxels for a worse method.
/// </summary>
sealed class SmallRun : IDisposable
{
    /// <summary>A name that would break a page that does not escape it.</summary>
    public const string Name = "phantom <1 & \"12\">";

    public static readonly GridSize Size = new(36, 32, 20);

    readonly TemporaryFolder _folder = new();

    public SmallRun(int organs = 1, int cases = 15)
    {
        DataSetPreparation.OfPhantom(cases, Size, organs, seed: 3).Run(Data);
        Set = DataSetFile.Open(Data);
        foreach (string folder in (string[])["mosaics", "finetune", "scores"])
            Directory.CreateDirectory(Path(folder));
        Write("manifest.json", Manifest());
        Write("experiment.json", """{ "network": { "architecture": "vnet-pyramid", "filters": 16 }, "iterations": 900 }""");
        Write("finetune/log.jsonl", Log(300, 1.1, validated: false));
        AddMethod("supervised", moved: 5, start: 0.9);
        AddMethod("mean-teacher", moved: 4, start: 1.0);
        AddMethod("cfr-mean-teacher", moved: 2, start: 1.2);
        AddMethod("upper-bound", moved: 1, start: 0.9);
        AddPredictions("cfr-ft", moved: 3);
        ScoreFile.Write(
            Path("pseudolabel-scores.json"), [.. Set.Train.Skip(1).Select(each => Score(each, 3).Scored)], ClassName);
        AddMosaic(Set.Train[1]);
    }

    public DataSet Set { get; }

    public string Folder => Path("");

    public string Data => System.IO.Path.Combine(_folder.FullName, "data");

    public string Path(string name) => System.IO.Path.Combine(_folder.FullName, "run", name);

    public void Write(string name, string text)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path(name))!);
        File.WriteAllText(Path(name), text);
    }

    public void Dispose() => _folder.Dispose();

    string Manifest() => new JsonObject
    {
        ["name"] = Name,
        ["version"] = "0.1.0",
        ["commit"] = "0123abc",
        ["command"] = "cfr run configs/phantom-cfr.json --out runs/phantom --device cpu",
        ["seed"] = 1337,
        ["device"] = "cpu (X64, vectors of 16 floats, 2 thread(s))",
        ["started"] = "2026-01-02T03:04:05Z",
        ["finished"] = "2026-01-02T04:16:45Z",
        ["dataset"] = new JsonObject
        {
            ["name"] = Set.Name,
            ["path"] = Data,
            ["hash"] = "sha256:9f86d081884c7d65",
            ["labelled"] = 1,
            ["unlabelled"] = Set.Train.Count - 1,
            ["test"] = Set.Test.Count,
            ["classes"] = new JsonArray([.. Set.Classes.Select(name => JsonValue.Create(name))]),
        },
        ["weights"] = JsonNode.Parse("""
            { "sam": { "path": "sam_vit_b_01ec64.pth", "hash": "sha256:ec2df62732614e57" } }
            """),
        ["stages"] = JsonNode.Parse("""
            [ { "name": "prepare", "seconds": 1.25, "skipped": true, "outputs": [] },
              { "name": "fine-tune", "seconds": 2843.2, "peakMemoryBytes": 5368709120, "outputs": ["finetune/model.safetensors"] },
              { "name": "pseudo-label", "seconds": 310.0, "peakMemoryBytes": 2147483648 },
              { "name": "predict cfr-ft", "seconds": 30.5 }, { "name": "train supervised", "seconds": 700 },
              { "name": "train mean-teacher", "seconds": 900 },
              { "name": "train cfr-mean-teacher", "seconds": 1204.5, "peakMemoryBytes": 943718400 },
              { "name": "predict cfr-mean-teacher", "seconds": 62.1, "peakMemoryBytes": 471859200 },
              { "name": "train upper-bound", "seconds": 800 } ]
            """),
    }.ToJsonString();

    void AddMethod(string id, int moved, double start)
    {
        Write($"retrain/{id}/log.jsonl", Log(900, start, validated: true));
        AddPredictions(id, moved);
    }

    void AddPredictions(string id, int moved)
    {
        Directory.CreateDirectory(Path($"predictions/{id}"));
        var scores = new List<CaseScore>();
        foreach (Case each in Set.Test)
        {
            var (guess, scored) = Score(each, moved + scores.Count);
            VolumeFile.Write(Path($"predictions/{id}/{each.Name}.nii.gz"), guess);
            scores.Add(scored);
        }
        ScoreFile.Write(Path($"scores/{id}.json"), scores, ClassName);
    }

    string ClassName(int c) => Set.Classes[c];

    (LabelMap Guess, CaseScore Scored) Score(Case each, int moved)
    {
        LabelMap truth = VolumeFile.ReadLabels(each.LabelPath!);
        var guess = new byte[truth.Voxels.Length];
        for (int x = moved; x < Size.X; x++)
            for (int y = 0; y < Size.Y; y++)
                for (int z = 0; z < Size.Z; z++) guess[(x * Size.Y + y) * Size.Z + z] = truth[x - moved, y, z];
        var labels = new LabelMap(truth.Geometry, guess);
        return (labels, CaseScore.Of(each.Name, labels, truth, Set.Classes.Count));
    }

    void AddMosaic(Case each)
    {
        Volume scan = VolumeFile.Read(each.ImagePath);
        LabelMap label = VolumeFile.ReadLabels(each.LabelPath!);
        const int Columns = 6;
        int rows = (Size.Z + Columns - 1) / Columns;
        RgbImage image = new(rows * Size.Y, Columns * Size.X), overlay = new(rows * Size.Y, Columns * Size.X);
        for (int z = 0; z < Size.Z; z++)
            for (int x = 0; x < Size.X; x++)
                for (int y = 0; y < Size.Y; y++)
                {
                    int row = z / Columns * Size.Y + y, column = z % Columns * Size.X + x;
                    image[row, column].Fill((byte)Math.Clamp(scan[x, y, z], 0, 255));
                    image[row, column].CopyTo(overlay[row, column]);
                    if (label[x, y, z] > 0) overlay[row, column][0] = 255;
                }
        image.Write(Path($"mosaics/{each.Name}.png"));
        overlay.Write(Path($"mosaics/{each.Name}-label.png"));
    }

    /// <summary>A loss that falls and wavers, and a Dice that rises.</summary>
    static string Log(int iterations, double start, bool validated)
    {
        var text = new StringBuilder();
        for (int i = 1; i <= iterations; i++)
        {
            double loss = start * Math.Exp(-4.0 * i / iterations) + 0.08 + 0.07 * Math.Sin(i * 12.9898) * Math.Sin(i * 0.731);
            text.Append(
                CultureInfo.InvariantCulture, $"{{\"iteration\":{i},\"loss\":{loss:R},\"learningRate\":0.01,\"seconds\":0.4}}\n");
            if (validated && i % 100 == 0)
            {
                double dice = 0.85 - 0.6 * Math.Exp(-3.0 * i / iterations);
                text.Append(CultureInfo.InvariantCulture, $"{{\"iteration\":{i},\"validation\":{{\"dice\":{dice:R}}}}}\n");
            }
        }
        return text.ToString();
    }
}
