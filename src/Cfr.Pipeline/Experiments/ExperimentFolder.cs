namespace Cfr.Pipeline.Experiments;

/// <summary>
/// The folder of an experiment. <c>experiment.json</c> has all settings, <c>manifest.json</c> what was made of what and by which
/// program, <c>stages/</c> a record a stage; then a folder for each kind of result.
/// </summary>
public sealed class ExperimentFolder(string root)
{
    /// <summary>The folder.</summary>
    public string Root { get; } = Path.GetFullPath(root);

    /// <summary>All settings, defaults included.</summary>
    public string Experiment => At("experiment.json");

    /// <summary>Settings, versions, device, hashes, times.</summary>
    public string Manifest => At("manifest.json");

    /// <summary>Is there while a run is at work.</summary>
    internal string Lock => At(".lock");

    /// <summary>The data set, where the experiment makes one.</summary>
    public string Data => At("data");

    /// <summary>Pictures of what SAM sees: <c>CASE.png</c>, with labels <c>CASE-label.png</c>.</summary>
    public string Mosaics => At("mosaics");

    /// <summary>The run that fine-tunes SAM.</summary>
    public string FineTuning => At("finetune");

    /// <summary>Fine-tuned SAM.</summary>
    public string FineTunedSam => Path.Combine(FineTuning, "model.safetensors");

    /// <summary>Its labels of the unlabelled cases, <c>CASE.nii.gz</c>.</summary>
    public string PseudoLabels => At("pseudolabels");

    /// <summary>How these compare with the truth, where that is known.</summary>
    public string PseudoLabelScores => At("pseudolabel-scores.json");

    /// <summary>The report.</summary>
    public string Report => Path.Combine(At("report"), "index.html");

    /// <summary>The runs of all methods.</summary>
    internal string Retrainings => At("retrain");

    /// <summary>What all networks say of the test cases.</summary>
    internal string AllPredictions => At("predictions");

    /// <summary>How all that compares with the truth.</summary>
    internal string AllScores => At("scores");

    /// <summary>The run of a method.</summary>
    public string Retraining(string method) => Path.Combine(Retrainings, method);

    /// <summary>What a method's network says of the test cases.</summary>
    public string Predictions(string method) => Path.Combine(AllPredictions, method);

    /// <summary>How that compares with the truth.</summary>
    public string Scores(string method) => Path.Combine(AllScores, $"{method}.json");

    /// <summary>The record of a stage.</summary>
    internal string Record(string stage) => Path.Combine(At("stages"), $"{stage.Replace(' ', '-')}.json");

    string At(string name) => Path.Combine(Root, name);
}
