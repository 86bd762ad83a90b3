using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Report;

namespace Cfr.Pipeline.Tests.Report;

public class AnswerTests
{
    [Fact]
    public void The_share_of_the_gap_is_that_of_the_means()
    {
        Answer answer = Of(("supervised", [0.5, 0.6]), ("cfr-mean-teacher", [0.8, 0.82]), ("upper-bound", [0.9, 0.9]));
        Assert.Equal("How well can phantom be segmented when only 1 of 12 training cases has a label, and SAM helps?", answer.Question);
        Assert.Equal("With 1 labelled case of 12, CFR-MT reaches Dice 0.810; supervised training on that label alone 0.550; with all labels 0.900.", answer.Headline);
        Assert.Contains("It closes 74 % of the gap between few labels and all of them.", answer.Details);
        Assert.Contains(
            "CFR-MT is better than Supervised on 2 of 2 test cases; the mean difference is +0.260 ± 0.040 (standard error over cases; one run, one seed).", answer.Details);
    }

    [Theory]
    [InlineData(0.50, 0.9, "CFR does not help here: it is 0.050 below supervised training on the same labels.")]
    [InlineData(0.95, 0.9, "CFR gains 0.400: more than the whole gap of 0.350 that all labels close.")]
    [InlineData(0.65, 0.5, "CFR gains 0.100. All labels reach no more than the few do, so there is no gap to close.")]
    public void A_loss_and_a_gap_that_makes_no_sense_are_said(double cfr, double upper, string sentence) =>
        Assert.Contains(sentence, Of(("supervised", [0.55]), ("cfr-acmt", [cfr]), ("upper-bound", [upper])).Details);

    [Fact]
    public void Without_an_upper_bound_the_gap_is_not_known()
    {
        Answer answer = Of(("supervised", [0.5]), ("cfr-self-training", [0.75]));
        Assert.Equal("With 1 labelled case of 12, CFR-ST reaches Dice 0.750; supervised training on that label alone 0.500.", answer.Headline);
        Assert.Contains("CFR gains 0.250. Nothing was trained with all labels, so the gap to it is not known.", answer.Details);
    }

    [Fact]
    public void A_difference_within_its_error_is_not_called_one() => Assert.Contains(
        "CFR-MT is better than Supervised on 1 of 2 test cases; the mean difference is +0.100 ± 0.200 (standard error over cases; one run, one seed)."
        + " These cases are too few to tell the two apart.",
        Of(("supervised", [0.5, 0.5]), ("cfr-mean-teacher", [0.8, 0.4])).Details);

    [Fact]
    public void The_best_method_is_compared_with_its_counterpart_the_fine_tuned_sam_and_the_paper()
    {
        Answer answer = Of("LA", ("mean-teacher", [0.7]), ("cfr-mean-teacher", [0.8]), ("cfr-acmt", [0.75]), ("cfr-ft", [0.9]));
        Assert.Contains("The same method without SAM, MT, reaches 0.700: SAM's pseudo-labels add 0.100.", answer.Details);
        Assert.Contains("The fine-tuned SAM itself reaches 0.900; re-training loses 0.100 over it.", answer.Details);
        Assert.Contains("The paper has Dice 0.744 for CFR-MT with 1 labelled (table III); this run has 0.056 more.", answer.Details);
    }

    [Fact]
    public void Empty_predictions_are_counted() => Assert.Contains(
        "CFR-MT predicted nothing of a class 1 time; this costs Dice but lowers mean distances.",
        Of(("cfr-mean-teacher", [0.8, 0])).Details);

    [Theory]
    [InlineData("LA", 16, "supervised", "Dice", 86.03)]
    [InlineData("la", 16, "acmt", "95HD", 6.21)]
    [InlineData("LA", 1, "upper-bound", "Dice", 91.14)]
    [InlineData("BTCV", 7, "cfr-magicnet", "Dice", 77.06)]
    [InlineData("LA", 1, "cfr-ft", "Dice", 74.78)]
    public void The_papers_rows_are_found_by_data_set_labels_and_method(string dataset, int labelled, string method, string metric, double value) =>
        Assert.Equal(value, PaperTable.Find(dataset, labelled, MethodName.Of(method))!.Value.Values[metric]);

    [Theory]
    [InlineData("phantom", 1, "supervised")]
    [InlineData("LA", 2, "cfr-mean-teacher")]
    [InlineData("LA", 16, "self-training")]
    public void What_the_paper_does_not_have_is_not_found(string dataset, int labelled, string method) =>
        Assert.Null(PaperTable.Find(dataset, labelled, MethodName.Of(method)));

    static Answer Of(params (string Id, double[] Dice)[] methods) => Of("phantom", methods);

    static Answer Of(string dataset, params (string Id, double[] Dice)[] methods) => Answer.Of(new RunResults
    {
        Folder = "run",
        Manifest = new RunManifest { Dataset = new RunDataset { Name = dataset, Labelled = 1, Unlabelled = 11 } },
        Methods = [.. methods.Select(method => new MethodResults(MethodName.Of(method.Id), null, Scores(method.Dice), null))],
    });

    static StoredScores Scores(double[] dice) => new(
        [.. dice.Select((value, i) => new CaseScore($"case {i}", [new ClassScore(1, value > 0 ? 10 : 0, 10, value)]))],
        new Dictionary<int, string> { [1] = "organ" }, "voxel");
}
