using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Volumes;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Experiments;

public class ExperimentFileTests
{
    [Fact]
    public void What_stands_at_the_top_holds_for_all_parts_and_training_for_all_rows()
    {
        ExperimentConfiguration read = ExperimentFile.Parse("small.json", ExperimentText.Small);
        Assert.Equal((new GridSize(16, 16, 16), 2, 3UL), (read.FineTuning!.Patch, read.FineTuning.Labelled, read.FineTuning.Seed));
        Assert.All(read.Methods.Values, row => Assert.Equal((new GridSize(16, 16, 16), 3, 3UL), (row.Patch, row.Iterations, row.Seed)));
        Assert.Equal((2, 4), (read.Methods["supervised"].Batch, read.Methods["mean-teacher"].Batch));
        Assert.Equal((2, 5), (read.Methods["mean-teacher"].Labelled, read.Methods["upper-bound"].Labelled));
        Assert.Equal(
            [MethodKind.Supervised, MethodKind.MeanTeacher, MethodKind.MeanTeacher, MethodKind.SelfTraining, MethodKind.Supervised],
            read.Methods.Values.Select(row => row.Method));
    }

    [Theory]
    [InlineData("\"unlabelled\"", "\"unlabeled\"", "line 6: unknown key 'unlabeled'; did you mean 'unlabelled'?")]
    [InlineData("\"training\"", "\"trainin\"", "unknown key 'trainin'; did you mean 'training'?")]
    [InlineData("\"patch\": [16", "\"pach\": [16", "unknown key 'pach'; did you mean 'patch'?")]
    [InlineData("\"filters\"", "\"filter\"", "line 17: unknown key 'methods.supervised.network.filter'; did you mean 'filters'?")]
    [InlineData("\"heads\"", "\"head\"", "line 11: unknown key 'fineTuning.sam.model.head'; did you mean 'heads'?")]
    [InlineData("\"mean-teacher\": {}", "\"mean-techer\": {}", "line 22: methods.mean-techer.method: found \"mean-techer\"; expected one of supervised")]
    [InlineData("\"labelled\": 2,", "\"labelled\": \"two\",", "line 5: ", "found \"two\"; expected a whole number")]
    [InlineData("\"cases\": 7,", "\"cases\": 7", "line 4: ")]
    [InlineData("\"labelled\": 2,\n", "\n", "labelled is missing")]
    [InlineData("\"iterations\": 3, \"batch\": 4, ", "\"batch\": 4, ", "methods.supervised.iterations is missing")]
    public void A_mistake_is_told_with_its_line_and_the_nearest_name(string what, string with, params string[] parts)
    {
        string message = Assert.ThrowsAny<BadDataException>(() => ExperimentFile.Parse("small.json", Replaced(what, with))).Message;
        Assert.StartsWith("small.json: ", message);
        Assert.All(parts, part => Assert.Contains(part, message));
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("\"labelled\": 2,", "\"labelled\": 0,", "labelled is 0; expected at least 1")]
    [InlineData("\"iterations\": 3, \"batch\": 4", "\"iterations\": 0, \"batch\": 4", "methods.supervised: iterations is 0")]
    [InlineData("\"recipe\": \"phantom\"", "\"recipe\": \"la\"", "prepare.from is missing")]
    [InlineData("\"name\": \"small\"", "\"name\": \"a/b\"", "name is 'a/b'")]
    [InlineData("\"mean-teacher\": {}", "\"/tmp/mine\": { \"method\": \"mean-teacher\" }", "methods./tmp/mine: a row's name is '/tmp/mine'")]
    [InlineData("\"mean-teacher\": {}", "\"..\": { \"method\": \"mean-teacher\" }", "a row's name is '..'")]
    [InlineData("\"mean-teacher\": {}", "\"cfr-acmt\": {}", "methods.cfr-acmt: its name says that it has pseudo-labels")]
    [InlineData("\"mean-teacher\": {}", "\"best\": { \"method\": \"supervised\" }", "methods.best: supervised rows are called")]
    [InlineData("\"mean-teacher\": {}", "\"mean-teacher\": { \"labelled\": 1 }", "labelled is 1; expected at least the experiment's 2")]
    [InlineData("\"stride\": [16, 16, 16]", "\"stride\": [0, 0, 0]", "prediction.stride is 0x0x0")]
    public void Settings_that_make_no_sense_are_refused(string what, string with, string message) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => ExperimentFile.Parse("small.json", Replaced(what, with))).Message);

    [Theory]
    [InlineData("unlabelled=9", "unlabelled is 9; phantom")]
    [InlineData("prepare.size=[8,8,8]", "scans of 8x8x8")]
    [InlineData("training.network.classes=3", "network.classes is 3")]
    [InlineData("methods.cfr-mean-teacher.pseudoLabels={\"from\":\"folder\",\"path\":\"x\"}", "pseudoLabels.path is 'x'")]
    [InlineData("methods.cfr-mean-teacher.pseudoLabels={\"from\":\"folder\",\"sam\":\"x\"}", "pseudoLabels.sam is 'x'")]
    [InlineData("fineTuning.sam={\"weights\":\"/none/sam_vit_b_01ec64.pth\"}", "/none/sam_vit_b_01ec64.pth")]
    public void What_cannot_work_is_refused_before_any_work(string change, string message)
    {
        using var experiment = new SmallExperiment();
        Exception error = Assert.ThrowsAny<Exception>(() => experiment.Run([change]));
        Assert.Contains(message, error.Message);
        Assert.False(Directory.Exists(experiment.Folder.Root));
    }

    [Fact]
    public void The_published_schema_is_that_of_the_settings() =>
        Assert.Equal(ExperimentSchema.Json(), File.ReadAllText(Golden.Path("../../docs/experiment.schema.json")));

    static string Replaced(string what, string with)
    {
        Assert.Contains(what, ExperimentText.Small);
        return ExperimentText.Small.Replace(what, with);
    }
}
