using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Training;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Training;

/// <summary>The recipes of the folder <c>configs</c>.</summary>
public class RecipeTests
{
    public static TheoryData<string> Recipes => new((string[])
    [
        .. Directory.GetFiles(Path.GetFullPath(Golden.Path("../../configs")), "*.json").Select(path => Path.GetFileName(path))
            .Where(name => !name.Contains("pretraining")),
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

    [Theory, InlineData("la-16-vnet.json", 16), InlineData("la-80-vnet.json", 80)]
    public void The_bounds_are_trained_as_published(string name, int labelled)
    {
        var settings = ConfigurationFile.Read<TrainingConfiguration>(Path.GetFullPath(Golden.Path($"../../configs/{name}")));
        Assert.Equal((labelled, 6000, 4, "112x112x80"), (settings.Labelled, settings.Iterations, settings.Batch, $"{settings.Patch}"));
        var rate = settings.Schedule.Create(settings.Sgd.LearningRate, settings.Iterations);
        Assert.Equal([0.01, 0.01, 0.001, 0.001, 0.0001], new long[] { 0, 2499, 2500, 4999, 5000 }.Select(t => Math.Round(rate.At(t), 12)));
    }
}
