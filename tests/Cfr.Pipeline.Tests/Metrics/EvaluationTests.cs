using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Metrics;

public sealed class EvaluationTests : IDisposable
{
    static readonly Geometry Grid = new(new(4, 3, 2), Affine.Scaling(1, 2, 3));

    readonly TemporaryFolder _folder = new();

    string Predictions => Directory.CreateDirectory(_folder.File("predictions")).FullName;

    string References => Directory.CreateDirectory(_folder.File("references")).FullName;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Cases_are_paired_by_name_whatever_their_format()
    {
        Write(Predictions, "a.nii.gz", 1);
        Write(Predictions, "b.nii", 2);
        Write(References, "a.nii", 1);
        Write(References, "b.nrrd", 2);
        Write(References, "c.nii.gz", 1);
        var references = CaseFiles.Find([References]);
        var cases = Evaluation.Match(Predictions, references, needsAll: false);
        Assert.Equal(["a", "b"], cases.Select(each => each.Name));
        Evaluation found = Evaluation.Of(cases);
        Assert.Equal([1.0, 0.0], found.Cases.Select(scored => scored.Classes[0].Dice));
        Assert.Equal(2, found.Summary.Classes.Count);
        Assert.Empty(found.Warnings);
        Assert.Equal($"{Predictions}: there is no prediction of 1 case: c", Assert.Throws<BadDataException>(
            () => Evaluation.Match(Predictions, references, needsAll: true)).Message);
        Write(Predictions, "x.nii", 1);
        Write(Predictions, "y.nii", 1);
        Assert.Equal($"{Predictions}: there is no reference for 2 cases: x, y", Assert.Throws<BadDataException>(
            () => Evaluation.Match(Predictions, references, needsAll: false)).Message);
        Assert.Equal(["a", "b"], Evaluation.Match(Predictions, references, false, others: ["x", "y", "a"]).Select(each => each.Name));
    }

    [Fact]
    public void A_prediction_that_lies_elsewhere_is_named()
    {
        Write(Predictions, "a.nii", 1);
        VolumeFile.Write(Path.Combine(References, "a.nii"), Labels(Grid with { Affine = Affine.Scaling(-1, 2, 3) }, 1));
        string warning = Evaluation.Of(Evaluation.Match(Predictions, CaseFiles.Find([References]), true)).Warnings.Single();
        Assert.Contains("a.nii: lies elsewhere than", warning);
    }

    [Fact]
    public void Distances_are_in_voxels_unless_a_spacing_is_given()
    {
        VolumeFile.Write(Path.Combine(Predictions, "a.nii"), Labels(Grid, 1, at: 0));
        VolumeFile.Write(Path.Combine(References, "a.nii"), Labels(Grid, 1, at: 2));
        var cases = Evaluation.Match(Predictions, CaseFiles.Find([References]), needsAll: true);
        Assert.Equal(1, Evaluation.Of(cases).Cases[0].Classes[0].Hd);
        Assert.Equal(2, Evaluation.Of(cases, spacing: (_, geometry) => geometry.Spacing).Cases[0].Classes[0].Hd);
    }

    [Fact]
    public void Scores_are_written_as_comma_separated_values()
    {
        string path = _folder.File("scores.csv");
        ScoreFile.Write(path,
        [
            new("a,1", [new(1, 5, 6, 0.5, 0.25, 1.5, 2, 3, 4, 5)]),
            new("b", [new(1, 0, 6)]),
        ], c => $"organ \"{c}\"");
        string[] want =
        [
            "case,class,name,dice,jaccard,asd,hd95,asd_mirrored,assd,hd,predicted_voxels,true_voxels,empty",
            "\"a,1\",1,\"organ \"\"1\"\"\",0.5,0.25,1.5,2,3,4,5,5,6,",
            "b,1,\"organ \"\"1\"\"\",0,0,0,0,0,0,0,0,6,prediction",
        ];
        Assert.Equal(want, File.ReadAllLines(path));
    }

    [Fact]
    public void Scores_are_read_back_from_json_as_they_were_written()
    {
        CaseScore[] scores =
        [
            new("a,1", [new(1, 5, 6, 0.5, 0.25, 1.5, 2, 3, 4, 5), new(2, 0, 7)]),
            new("b", [new(1, 8, 6, 0.1 + 0.2), new(2, 1, 1, 1, 1)]),
        ];
        string path = _folder.File("scores.json");
        ScoreFile.Write(path, scores, c => $"organ {c}", "mm");
        StoredScores read = ScoreFile.Read(path);
        Assert.Equal(("mm", "organ 2"), (read.DistanceUnit, read.Names[2]));
        Assert.Equal(scores.Select(scored => scored.Case), read.Cases.Select(scored => scored.Case));
        Assert.Equal(scores.SelectMany(scored => scored.Classes), read.Cases.SelectMany(scored => scored.Classes));
    }

    [Fact]
    public void Files_are_found_by_the_names_of_their_cases()
    {
        Assert.Equal("LA_1", CaseFiles.NameOf("x/LA_1/mri_norm2.h5"));
        Assert.Equal("a.b", CaseFiles.NameOf("x/a.b.nii.gz"));
        Assert.Equal("a", CaseFiles.NameOf("a.NRRD"));
        Write(References, "a.nii", 1);
        Directory.CreateDirectory(Path.Combine(References, "b"));
        File.Copy(Path.Combine(References, "a.nii"), Path.Combine(References, "b", "mri_norm2.h5"));
        File.WriteAllText(Path.Combine(References, "notes.txt"), "");
        Assert.Equal(["a", "b"], CaseFiles.Find([References]).Select(file => file.Name));
        Assert.Contains("both are case a", Message([References, Path.Combine(References, "a.nii")]));
        Assert.Contains("has no volumes", Message([Predictions]));
        Assert.Contains("no such file or folder", Message([_folder.File("nowhere")]));

        static string Message(string[] paths) => Assert.Throws<BadDataException>(() => CaseFiles.Find(paths)).Message;
    }

    static void Write(string folder, string name, byte value) =>
        VolumeFile.Write(Path.Combine(folder, name), Labels(Grid, value));

    static LabelMap Labels(Geometry geometry, byte value, int at = 3)
    {
        byte[] voxels = new byte[geometry.Size.Voxels];
        voxels[at] = value;
        return new LabelMap(geometry, voxels);
    }
}
