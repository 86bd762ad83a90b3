using Cfr.Kernels.Cpu;
using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.Training;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Experiments;

/// <summary>A whole experiment on tiny phantoms with tiny networks: seconds.</summary>
sealed class SmallExperiment : IDisposable
{
    public const string Text = """
        {
          // All three stages.
          "name": "small",
          "prepare": { "recipe": "phantom", "cases": 7, "size": [20, 18, 16] },
          "labelled": 2,
          "unlabelled": 3,
          "patch": [16, 16, 16],
          "seed": 3,
          "fineTuning": {
            "sam": { "model": {
              "imageSize": 64, "patchSize": 8, "width": 16, "depth": 1, "heads": 1, "globalBlocks": [0], "window": 4,
              "promptWidth": 16, "decoderHeads": 1, "decoderHidden": 16, "qualityHidden": 8
            } },
            "iterations": 3, "batch": 2, "checkpointEvery": 1
          },
          "training": {
            "network": { "architecture": "vnet", "filters": 1, "classes": 2, "normalization": "none", "dropout": false },
            "iterations": 3, "batch": 4, "checkpointEvery": 1
          },
          "methods": {
            "supervised": { "batch": 2 },
            "mean-teacher": {},
            "cfr-mean-teacher": { "pseudoLabels": { "from": "network" } },
            "cfr-self-training": { "pseudoLabels": { "from": "folder" }, "selfTraining": { "rounds": 1 } }, // labels of whole volumes
            "upper-bound": { "method": "supervised", "labelled": 5 },
          },
          "prediction": { "stride": [16, 16, 16] },
        }
        """;

    readonly TemporaryFolder _folder = new();

    public ExperimentFolder Folder => new(_folder.File("run"));

    public List<string> Done { get; } = [];

    public List<string> LeftOut { get; } = [];

    /// <summary>Runs it, or goes on with it; true if the end was reached.</summary>
    /// <param name="changes">Settings to change.</param>
    /// <param name="began">Told which stage begins; may stop the run.</param>
    /// <param name="folder">Where; by default always the same place.</param>
    public bool Run(string[]? changes = null, Action<string, CancellationTokenSource>? began = null, ExperimentFolder? folder = null)
    {
        Done.Clear();
        LeftOut.Clear();
        using var stop = new CancellationTokenSource();
        var run = new ExperimentRun(
            ExperimentFile.Parse("small.json", Text, changes), folder ?? Folder, () => new CpuDevice(2), "cfr run small.json",
            new Observer(this, stage => began?.Invoke(stage, stop)), stop.Token);
        run.Check();
        return run.Run();
    }

    public void Dispose() => _folder.Dispose();

    sealed class Observer(SmallExperiment experiment, Action<string> began) : IExperimentObserver
    {
        public ITrainingObserver Training { get; } = new Nothing();

        public void Began(string stage, int number, int count) => began(stage);

        public void Skipped(string stage, int number, int count) => experiment.LeftOut.Add(stage);

        public void Progressed(string what, int done, int all) { }

        public void Ended(string stage, TimeSpan time, string? result) => experiment.Done.Add(stage);

        public void Warn(string message) { }

        sealed class Nothing : ITrainingObserver;
    }
}
