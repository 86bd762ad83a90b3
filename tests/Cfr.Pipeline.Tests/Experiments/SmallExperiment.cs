using Cfr.Kernels.Cpu;
using Cfr.Pipeline.Experiments;
using Cfr.Pipeline.Training;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Experiments;

/// <summary>Runs <see cref="ExperimentText.Small"/>, as often as wanted, in one folder.</summary>
sealed class SmallExperiment : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public ExperimentFolder Folder => new(_folder.File("run"));

    public List<string> Done { get; } = [];

    public List<string> LeftOut { get; } = [];

    public List<string> Warnings { get; } = [];

    /// <summary>Runs it, or goes on with it; true if the end was reached.</summary>
    /// <param name="changes">Settings to change.</param>
    /// <param name="began">Told which stage begins; may stop the run.</param>
    /// <param name="folder">Where; by default always the same place.</param>
    public bool Run(string[]? changes = null, Action<string, CancellationTokenSource>? began = null, ExperimentFolder? folder = null)
    {
        Done.Clear();
        LeftOut.Clear();
        Warnings.Clear();
        using var stop = new CancellationTokenSource();
        var run = new ExperimentRun(
            ExperimentFile.Parse("small.json", ExperimentText.Small, changes), folder ?? Folder, () => new CpuDevice(2), "cfr run small.json",
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

        public void Warn(string message) => experiment.Warnings.Add(message);

        sealed class Nothing : ITrainingObserver;
    }
}
