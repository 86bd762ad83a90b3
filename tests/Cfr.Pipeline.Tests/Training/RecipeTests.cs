using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Training;

/// <summary>The recipes of the folder <c>configs</c>.</summary>
public class RecipeTests
{
    public static TheoryData<string> Recipes => new((string[])
    [
        .. Directory.GetFiles(Path.GetFullPath(Golden.Path("../../configs")), "*.json").Select(path => Path.GetFileName(path)),
    ]);

    [Theory, MemberData(nameof(Recipes))]
    public void Every_recipe_makes_sense(string name)
    {
        string path = Path.GetFullPath(Golden.Path($"../../configs/{name}"));
        var settings = ConfigurationFile.Read<TrainingConfiguration>(path);
        settings.Check();
        Assert.Null(settings.Data);
        Assert.Equal(settings, ConfigurationFile.Parse<TrainingConfiguration>(name, ConfigurationFile.Write(settings)));
    }

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
