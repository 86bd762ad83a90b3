using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Training;

/// <summary>The recipes of the folder <c>configs</c>.</summary>
public class RecipeTests
{
    public static TheoryData<string> Trainings => Named(text => !text.Contains("\"sam\""));

    public static TheoryData<string> Experiments => Named(text => text.Contains("\"methods\""));

    [Theory, MemberData(nameof(Trainings))]
    public void Every_recipe_of_a_training_makes_sense(string name)
    {
        var settings = ConfigurationFile.Read<TrainingConfiguration>(PathOf(name));
        settings.Check();
        Assert.Null(settings.Data);
        Assert.Equal(settings, ConfigurationFile.Parse<TrainingConfiguration>(name, ConfigurationFile.Write(settings)));
    }

    [Theory, InlineData("la-small-finetune.json")]
    public void So_does_every_recipe_of_a_fine_tuning(string name) =>
        ConfigurationFile.Read<FineTuningConfiguration>(PathOf(name)).Check();

    [Theory, MemberData(nameof(Experiments))]
    public void So_does_every_experiment(string name)
    {
        ExperimentConfiguration settings = ExperimentFile.Read(PathOf(name));
        Assert.Equal(Path.GetFileNameWithoutExtension(name), settings.Name);
        Assert.All(settings.Methods.Values, row => Assert.Equal(settings.FineTuning!.Patch, row.Patch));
    }

    /// <summary>Those of the paper's tables: the rows that the methods cover, trained as the recipes for single trainings have it.</summary>
    [Theory]
    [InlineData("la-16", "la-16-vnet", 80), InlineData("la-1", "la-1-vnet", 80)]
    [InlineData("brats2019-50", "brats2019-50-unet3d", 250), InlineData("brats2019-1", "brats2019-1-unet3d", 250)]
    public void An_experiment_of_a_table_trains_its_rows_as_the_single_recipe_does(string name, string single, int all)
    {
        ExperimentConfiguration settings = ExperimentFile.Read(PathOf($"{name}.json"));
        var recipe = ConfigurationFile.Read<TrainingConfiguration>(PathOf($"{single}.json"));
        Assert.Equal(
            ["supervised", "mean-teacher", "acmt", "self-training", "cfr-mean-teacher", "cfr-acmt", "cfr-self-training", "upper-bound"],
            settings.Methods.Keys);
        foreach (var (row, training) in settings.Methods)
            Assert.Equal(
                recipe with
                {
                    Method = training.Method,
                    PseudoLabels = training.PseudoLabels,
                    Validation = null,
                    Labelled = row == "upper-bound" ? all : recipe.Labelled,
                },
                training);
        Assert.Equal((6000, 2, 1e-3, 4), (
            settings.FineTuning!.Iterations, settings.FineTuning.Batch, settings.FineTuning.AdamW.LearningRate, settings.FineTuning.Lora.Rank));
        Assert.Equal(recipe.Validation!.Stride, settings.Prediction.Stride);
    }

    static TheoryData<string> Named(Func<string, bool> isWanted) => new((string[])
    [
        .. Directory.GetFiles(Path.GetFullPath(Golden.Path("../../configs")), "*.json")
            .Where(path => isWanted(File.ReadAllText(path))).Select(path => Path.GetFileName(path)),
    ]);

    static string PathOf(string name) => Path.GetFullPath(Golden.Path($"../../configs/{name}"));

    [Theory]
    [InlineData("la-16-vnet", "112x112x80", 6000, 0.1, 5999)]
    [InlineData("la-1-vnet", "112x112x80", 6000, 0.1, 5999)]
    [InlineData("brats2019-50-unet3d", "96x96x96", 30000, 0.1, 29999)]
    [InlineData("brats2019-1-unet3d", "96x96x96", 30000, 0.1, 29999)]
    [InlineData("btcv-7-vnet", "96x96x96", 70000, 0.1, 69999)]
    [InlineData("btcv-1-vnet", "96x96x96", 70000, 0.1, 69999)]
    [InlineData("mact-14-vnet", "96x96x96", 30000, 0.2, 11999)]
    [InlineData("mact-1-vnet", "96x96x96", 30000, 0.2, 11999)]
    public void Every_method_fits_the_recipes_of_few_labels(string name, string patch, int iterations, double weight, int almost)
    {
        string path = Path.GetFullPath(Golden.Path($"../../configs/{name}.json"));
        foreach (MethodKind method in Enum.GetValues<MethodKind>())
        {
            var settings = ConfigurationFile.Read<TrainingConfiguration>(
                path, [$"method={System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName($"{method}")}"]);
            settings.Check();
            Assert.Equal((method, patch, iterations, 4), (settings.Method, $"{settings.Patch}", settings.Iterations, settings.Batch));
            Assert.Equal(int.Parse(name.Split('-')[1]), settings.Labelled);
            Assert.InRange(settings.Consistency.Schedule.At(almost), 0.99 * weight, 0.9999 * weight);
            Assert.Equal(weight, settings.Consistency.Schedule.At(almost + 1), 1e-12);
        }
    }

    [Theory, InlineData("la-16-vnet.json", 16), InlineData("la-80-vnet.json", 80)]
    public void The_bounds_are_trained_as_published(string name, int labelled)
    {
        var settings = ConfigurationFile.Read<TrainingConfiguration>(Path.GetFullPath(Golden.Path($"../../configs/{name}")));
        Assert.Equal((labelled, 6000, 4, "112x112x80"), (settings.Labelled, settings.Iterations, settings.Batch, $"{settings.Patch}"));
        var rate = settings.Schedule.Create(settings.Sgd.LearningRate, settings.Iterations);
        Assert.Equal([0.01, 0.01, 0.001, 0.001, 0.0001], new long[] { 0, 2499, 2500, 4999, 5000 }.Select(t => Math.Round(rate.At(t), 12)));
    }
}
