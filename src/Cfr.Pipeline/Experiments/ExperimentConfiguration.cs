using System.Text.RegularExpressions;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Experiments;

/// <summary>
/// All three stages of the paper (Algorithm 1) as one job: mosaics, fine-tuning, re-training by one or several methods, and
/// the test of each.
/// </summary>
public sealed partial record ExperimentConfiguration
{
    const string Supervised = "supervised", UpperBound = "upper-bound";

    /// <summary>A word for it: letters, digits, dots, dashes.</summary>
    public required string Name { get; init; }

    /// <summary>Folder of the data set, from the folder of this file; not with <see cref="Prepare"/>.</summary>
    public string? Data { get; init; }

    /// <summary>A data set to make first.</summary>
    public PrepareConfiguration? Prepare { get; init; }

    /// <summary>Labelled cases: the first of the training list.</summary>
    public required int Labelled { get; init; }

    /// <summary>Unlabelled cases: the next ones; by default all others of the list.</summary>
    public int? Unlabelled { get; init; }

    /// <summary>Test cases: the first of their list; by default all.</summary>
    public int? Test { get; init; }

    /// <summary>The fine-tuning of SAM; without it there are no pseudo-labels.</summary>
    public FineTuningConfiguration? FineTuning { get; init; }

    /// <summary>How fine-tuned SAM labels whole volumes; by default by windows half a patch apart.</summary>
    public PredictionConfiguration? PseudoLabelling { get; init; }

    /// <summary>The re-training runs by the names of their rows.</summary>
    public IReadOnlyDictionary<string, TrainingConfiguration> Methods { get; init; } =
        new Dictionary<string, TrainingConfiguration>();

    /// <summary>How the trained networks segment the test cases.</summary>
    public required PredictionConfiguration Prediction { get; init; }

    /// <summary>Seed of everything random.</summary>
    public ulong Seed { get; init; } = 1337;

    /// <summary>The same with data from another folder, from the working folder: the data set, or what it is made of.</summary>
    public ExperimentConfiguration WithData(string folder) => Prepare is { From: not null } prepare
        ? this with { Prepare = prepare with { From = Path.GetFullPath(folder) } }
        : this with { Data = Path.GetFullPath(folder), Prepare = null };

    /// <summary>The same with another checkpoint of SAM, from the working folder.</summary>
    /// <exception cref="ArgumentException">Nothing is fine-tuned.</exception>
    public ExperimentConfiguration WithSam(string weights) => FineTuning is { } tuning
        ? this with { FineTuning = tuning with { Sam = (tuning.Sam with { Weights = weights, Model = null }).From(Environment.CurrentDirectory) } }
        : throw new ArgumentException("--sam names a checkpoint, but the experiment fine-tunes none: it has no \"fineTuning\"");

    /// <exception cref="ArgumentException">A setting that makes no sense.</exception>
    public void Check()
    {
        CheckWord("name", Name);
        if (Data is null == Prepare is null)
            throw new ArgumentException("expected either \"data\", a folder, or \"prepare\", a data set to make");
        RunConfiguration.Positive("labelled", Labelled);
        if (Unlabelled is { } unlabelled) RunConfiguration.Positive("unlabelled", unlabelled);
        if (Test is { } test) RunConfiguration.Positive("test", test);
        if (Methods.Count == 0 && FineTuning is null)
            throw new ArgumentException("nothing to do: expected \"methods\", \"fineTuning\", or both");
        Prepare?.Check();
        if (FineTuning is { } tuning)
            Checked("fineTuning", () =>
            {
                tuning.Check();
                if (tuning.Labelled != Labelled)
                    throw new ArgumentException($"labelled is {tuning.Labelled}; it must be that of the experiment, {Labelled}");
                if (tuning.Data is not null) throw new ArgumentException("data has no meaning here; it is the experiment's");
                (PseudoLabelling ?? PredictionConfiguration.HalfPatch(tuning.Patch)).Check("pseudoLabelling", tuning.Patch);
            });
        foreach (var (row, training) in Methods) Checked($"methods.{row}", () => CheckRow(row, training));
        if (Methods.Keys.GroupBy(row => row.ToUpperInvariant()).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new ArgumentException($"methods: rows {string.Join(" and ", twice)} have the same name but for capital letters");

        void CheckRow(string row, TrainingConfiguration training)
        {
            CheckWord("a row's name", row);
            training.Check();
            Prediction.Check("prediction", training.Patch);
            if (training.Data is not null) throw new ArgumentException("data has no meaning here; it is the experiment's");
            if (row == ExperimentStages.FineTunedSam)
                throw new ArgumentException("the row of fine-tuned SAM itself has this name; take another one");
            bool isCfr = row.StartsWith(ExperimentFile.WithSam, StringComparison.Ordinal);
            if (isCfr != training.PseudoLabels is not null)
                throw new ArgumentException(isCfr
                    ? "its name says that it has pseudo-labels; \"pseudoLabels\" are missing"
                    : $"it has pseudo-labels; tables call such a row {ExperimentFile.WithSam}..");
            if (training.Method == MethodKind.Supervised && row is not (Supervised or UpperBound))
                throw new ArgumentException($"supervised rows are called {Supervised}, or {UpperBound} with all labels");
            if (training.Labelled is not { } labelled || labelled < Labelled)
                throw new ArgumentException($"labelled is {training.Labelled?.ToString() ?? "null"}; expected at least the experiment's {Labelled}");
            if (labelled > Labelled && row != UpperBound)
                throw new ArgumentException($"labelled is {labelled}, more than the experiment's {Labelled}; that is for the row {UpperBound}");
            if (training.PseudoLabels is null) return;
            if (FineTuning is null)
                throw new ArgumentException("pseudo-labels come from fine-tuned SAM; \"fineTuning\" is missing");
            if (training.PseudoLabels.Path is { } path)
                throw new ArgumentException($"pseudoLabels.path is '{path}'; here SAM is the one that the experiment fine-tunes");
            if (training.PseudoLabels.Sam is { } sam)
                throw new ArgumentException($"pseudoLabels.sam is '{sam}'; here it is the checkpoint of \"fineTuning\"");
        }

        static void Checked(string part, Action check)
        {
            try
            {
                check();
            }
            catch (ArgumentException error)
            {
                throw new ArgumentException($"{part}: {error.Message}", error);
            }
        }
    }

    /// <summary>Names become names of folders.</summary>
    static void CheckWord(string what, string word)
    {
        if (!Word().IsMatch(word))
            throw new ArgumentException($"{what} is '{word}'; expected letters, digits, dots, dashes and underscores, a letter or digit first");
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    private static partial Regex Word();
}

/// <summary>A data set to be made before anything else, as <c>cfr prepare</c> makes it.</summary>
/// <param name="Recipe"><c>phantom</c>, <c>la</c>, <c>brats2019</c>, <c>btcv</c> or <c>mact</c>.</param>
/// <param name="From">The folder with what was downloaded; none for phantoms.</param>
/// <param name="Cases">Phantoms: how many.</param>
/// <param name="Size">Phantoms: voxels of a scan.</param>
/// <param name="Organs">Phantoms: organs in a scan.</param>
/// <param name="Shrink">Voxels along each axis that become one.</param>
public sealed record PrepareConfiguration(
    string Recipe, string? From = null, int Cases = 20, GridSize? Size = null, int Organs = 1, int Shrink = 1)
{
    /// <summary>The name of generated scans.</summary>
    public const string Phantom = "phantom";

    internal void Check()
    {
        if (Recipe == Phantom != From is null)
            throw new ArgumentException(Recipe == Phantom
                ? "prepare.from has no meaning for phantoms"
                : $"prepare.from is missing; expected the folder with the files of {Recipe}");
        RunConfiguration.Positive("prepare.shrink", Shrink);
    }
}

/// <summary>How whole volumes are segmented, by overlapping windows.</summary>
/// <param name="Stride">From one window to the next.</param>
/// <param name="Batch">Windows that the network sees at once.</param>
/// <param name="LargestComponent">Keep only the largest connected part of each class.</param>
public sealed record PredictionConfiguration(GridSize Stride, int Batch = 1, bool LargestComponent = false)
{
    /// <summary>Windows half a patch apart.</summary>
    public static PredictionConfiguration HalfPatch(GridSize patch) => new(patch.Halved);

    /// <exception cref="ArgumentException">Windows would leave gaps, or there are none.</exception>
    internal void Check(string key, GridSize patch)
    {
        new ValidationConfiguration(Every: 1, Stride).Check(patch, key);
        RunConfiguration.Positive($"{key}.batch", Batch);
    }
}
