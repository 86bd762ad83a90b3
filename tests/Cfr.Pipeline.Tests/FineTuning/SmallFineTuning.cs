using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Models;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Tests.Training;
using Cfr.Pipeline.Training;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.FineTuning;

/// <summary>The bright boxes of <see cref="SmallTask"/> as mosaics of 4 x 4 slices, and a SAM of 16 x 16 tokens.</summary>
sealed class SmallFineTuning(SmallTask task) : IDisposable
{
    public static readonly SamConfiguration Sizes = new()
    {
        ImageSize = 64,
        PatchSize = 4,
        Width = 32,
        Depth = 2,
        Heads = 2,
        GlobalBlocks = [1],
        Window = 4,
        PromptWidth = 32,
        DecoderHeads = 2,
        DecoderHidden = 32,
        QualityHidden = 16,
    };

    readonly SmallTask _task = task;

    public SmallFineTuning() : this(new SmallTask()) { }

    /// <summary>Tested on the two cases that are trained on.</summary>
    public DataSet Data => _task.Data with { Test = [.. _task.Data.Train.Take(2)] };

    public FineTuningConfiguration Configuration { get; init; } = new()
    {
        Sam = new(Model: Sizes),
        Labelled = 2,
        Iterations = 6,
        Batch = 2,
        Patch = new(16, 16, 16),
        Schedule = new(ScheduleKind.Poly),
        AdamW = new(LearningRate: 3e-3),
        Validation = new(Every: 6, Stride: new(8, 8, 8), ValidationCases.Test),
        CheckpointEvery = 2,
        Seed = 5,
    };

    public string Run(string name) => _task.Run(name);

    public string Model(string name) => Path.Combine(Run(name), "model.safetensors");

    public byte[] Checkpoint(string name) => _task.Checkpoint(name);

    public string[] Log(string name) => _task.Log(name);

    /// <summary>Trains from the beginning, or goes on; true if the last iteration was reached.</summary>
    public bool Train(
        string name, FineTuningConfiguration? configuration = null, ITrainingObserver? observer = null, CancellationTokenSource? stop = null,
        Action<SamFineTuning>? look = null, Func<Device>? open = null)
    {
        configuration ??= Configuration;
        configuration.Check(Data);
        using Device device = open?.Invoke() ?? new CpuDevice(2);
        var session = new Session(device, configuration.Seed);
        var method = new SamFineTuning(session, configuration, Data);
        var trainer = new Trainer(
            session, configuration, method, Data, new CaseStore(_task.Load), RunFolder.CreateOrOpen(Run(name), configuration));
        bool finished = trainer.Run(observer ?? new SmallTask.Silent(), stop?.Token ?? CancellationToken.None);
        look?.Invoke(method);
        return finished;
    }

    public LoadedCase Load(Case each) => _task.Load(each);

    public void Dispose() => _task.Dispose();
}
