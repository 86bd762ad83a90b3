using Cfr.Kernels.Cpu;
using Cfr.Models;
using Cfr.Pipeline.Pretraining;
using Cfr.Pipeline.Tests.Training;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Pretraining;

/// <summary>Runs of a SAM small enough to be trained in a moment.</summary>
sealed class SmallPretraining : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("cfr-pretraining-").FullName;

    public PretrainingConfiguration Configuration { get; } = new()
    {
        Sam = new SamConfiguration
        {
            ImageSize = 48,
            PatchSize = 8,
            Width = 32,
            Depth = 2,
            Heads = 2,
            Window = 3,
            GlobalBlocks = [1],
            PromptWidth = 32,
            DecoderHeads = 4,
            DecoderHidden = 64,
            QualityHidden = 32,
        },
        Iterations = 12,
        Batch = 2,
        Prompts = 4,
        LearningRate = 2e-3,
        Schedule = new(ScheduleKind.Cosine, Warmup: 4),
        CheckpointEvery = 5,
        HeldOut = 2,
        Seed = 11,
    };

    public string Run(string name) => Path.Combine(_folder, name);

    /// <summary>Trains from the beginning, or goes on; true if the last iteration was reached.</summary>
    public bool Train(
        string name, ITrainingObserver? observer = null, CancellationTokenSource? stop = null, int threads = 2,
        PretrainingConfiguration? configuration = null)
    {
        configuration ??= Configuration;
        using var device = new CpuDevice(threads);
        RunFolder run = Directory.Exists(Run(name))
            ? Pretrainer.Open(Run(name), configuration).Run
            : RunFolder.Create(Run(name), configuration);
        var trainer = new Pretrainer(new Session(device, configuration.Seed), configuration, run);
        return trainer.Run(observer ?? new SmallTask.Silent(), stop?.Token ?? CancellationToken.None);
    }

    public byte[] File(string run, string name) => System.IO.File.ReadAllBytes(Path.Combine(Run(run), name));

    /// <summary>The log, without times.</summary>
    public string[] Log(string name) => SmallTask.LogOf(Run(name));

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
