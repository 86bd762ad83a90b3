using Cfr.Models;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Tests.Configuration;

public class ConfigurationFileTests
{
    const string Least = """
        {
          // comments and trailing commas may be there
          "network": { "architecture": "vnet-pyramid", "filters": 4, },
          "iterations": 10, "patch": [32, 48, 16],
        }
        """;

    [Fact]
    public void Comments_are_allowed_and_what_is_not_said_has_the_defaults()
    {
        var read = Parse(Least);
        Assert.Equal(new NetworkConfiguration(Architecture.PyramidVNet, Filters: 4), read.Network);
        Assert.Equal(new GridSize(32, 48, 16), read.Patch);
        Assert.Equal((10, 4, 1337UL), (read.Iterations, read.Batch, read.Seed));
        Assert.Equal(new SgdConfiguration(0.01, 0.9f, 1e-4f), read.Sgd);
    }

    [Fact]
    public void What_is_written_reads_back_the_same()
    {
        var first = Parse(Least) with
        {
            Labelled = 16,
            Data = "a/\"b",
            Normalization = Cfr.Pipeline.Datasets.Normalization.ZScore,
            Validation = new(5, new(8, 8, 4), ValidationCases.Test, 3),
            Schedule = new(ScheduleKind.PolyLagged, Power: 0.5),
        };
        string text = ConfigurationFile.Write(first);
        Assert.Contains("\"poly-lagged\"", text);
        Assert.Equal(first, Parse(text));
    }

    [Theory]
    [InlineData("sgd.learningRate=0.5")]
    [InlineData("validation.every=3", "validation.stride=[4,4,4]", "validation.on=test")]
    [InlineData("patch=[64, 64, 64]")]
    [InlineData("schedule={\"kind\":\"poly\"}")]
    [InlineData("data=some/folder")]
    public void Settings_can_be_changed_by_their_keys(params string[] changes)
    {
        var changed = ConfigurationFile.Parse<TrainingConfiguration>("c.json", Least, changes);
        string key = changes[0].Split('=', '.')[0];
        Assert.All(ConfigurationFile.Differences(Parse(Least), changed), different => Assert.StartsWith(key, different));
        Assert.NotEqual(Parse(Least), changed);
    }

    [Theory]
    [InlineData("novalue")]
    [InlineData("=1")]
    [InlineData("iterations.a=1")]
    public void Changes_that_are_none_are_refused(string change) => Assert.Contains(
        $"--set {change}",
        Assert.Throws<ArgumentException>(
            () => ConfigurationFile.Parse<TrainingConfiguration>("c.json", Least, [change])).Message);

    [Theory]
    [InlineData("\"iteration\": 5", "unknown key 'iteration'", "iterations, ")]
    [InlineData("\"sgd\": { \"lr\": 5 }", "unknown key 'sgd.lr'", "learningRate, momentum, weightDecay")]
    [InlineData("\"network\": { \"architecture\": \"vnet\", \"filter\": 5 }", "unknown key 'network.filter'", "filters")]
    [InlineData("\"iterations\": \"many\"", "iterations: ", "a whole number")]
    [InlineData("\"patch\": [1, 2]", "patch: ", "three whole numbers")]
    [InlineData("\"network\": { \"architecture\": \"resnet\" }", "network.architecture: found \"resnet\"", "one of vnet, vnet-pyramid, ")]
    [InlineData("\"schedule\": { \"kind\": 7 }", "schedule.kind: ", "one of constant, step, poly, poly-lagged, cosine")]
    [InlineData("\"sgd\": 5", "sgd: found 5", "an object")]
    [InlineData("\"rotateFlip\": \"yes\"", "rotateFlip: ", "true or false")]
    [InlineData("\"network\": null", "network", "null")]
    public void What_is_wrong_is_named_with_the_file(string setting, string where, string expected)
    {
        string key = setting[..setting.IndexOf(':')].Trim('"');
        string others = string.Join(",", new[] { "\"network\": { \"architecture\": \"vnet\" }", "\"iterations\": 5", "\"patch\": [16, 16, 16]" }
            .Where(other => !other.StartsWith($"\"{key}\"")));
        string message = Refusal($"{{ {setting}, {others} }}");
        Assert.StartsWith("c.json: ", message);
        Assert.Contains(where, message);
        Assert.Contains(expected, message);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("", "line 1")]
    [InlineData("{ \"iterations\": 5", "line 1")]
    [InlineData("[]", "braces")]
    [InlineData("{ \"iterations\": 5, \"iterations\": 6 }", "iterations")]
    [InlineData("{ \"iterations\": 5 }", "network")]
    public void Files_that_are_no_settings_are_refused(string text, string expected) =>
        Assert.Contains(expected, Refusal(text));

    [Theory]
    [InlineData("patch=[100,96,80]", "patch is 100x96x80; expected multiples of 16")]
    [InlineData("iterations=0", "iterations is 0")]
    [InlineData("sgd.momentum=1", "sgd.momentum is 1")]
    [InlineData("loss.dice=-1", "loss")]
    [InlineData("network.classes=1", "1 classes")]
    [InlineData("validation={\"every\":1,\"stride\":[64,1,1]}", "validation.stride is 64x1x1")]
    public void Impossible_settings_are_refused_by_their_key(string change, string expected)
    {
        var settings = ConfigurationFile.Parse<TrainingConfiguration>("c.json", Least, [change]);
        Assert.Contains(expected, Assert.Throws<ArgumentException>(settings.Check).Message);
    }

    static string Refusal(string text) => Assert.Throws<BadDataException>(() => Parse(text)).Message;

    static TrainingConfiguration Parse(string text) => ConfigurationFile.Parse<TrainingConfiguration>("c.json", text);
}
