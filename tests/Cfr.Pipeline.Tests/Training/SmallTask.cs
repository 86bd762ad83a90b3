using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Training;

/// <summary>
/// Bright boxes in noise, in memory, and a network small enough to be trained in a moment. A third class has one voxel.
/// </summary>
sealed class SmallTask : IDisposable
{
    static readonly GridSize Size = new(24, 20, 18);

    readonly string _folder = Directory.CreateTempSubdirectory("cfr-training-").FullName;

    public DataSet Data { get; init; } = new()
    {
        Name = "boxes",
        ListPath = "boxes",
        Classes = ["background", "box"],
        Train = [.. Enumerable.Range(0, 6).Select(Named)],
        Validation = [Named(6)],
        Test = [Named(7), Named(8)],
    };

    public TrainingConfiguration Configuration { get; } = new()
    {
        Network = new(Architecture.VNet, Filters: 1),
        Iterations = 12,
        Batch = 2,
        Patch = new(16, 16, 16),
        Schedule = new(ScheduleKind.Step, Every: 5),
        Validation = new(Every: 4, Stride: new(16, 16, 16)),
        CheckpointEvery = 5,
        Seed = 11,
    };

    /// <summary>The same with two labelled cases and four others, and labels made in windows that overlap little.</summary>
    public TrainingConfiguration SemiSupervised(MethodKind method) => Configuration with
    {
        Method = method,
        Labelled = 2,
        Batch = 4,
        SelfTraining = new(Rounds: 2, Stride: new(16, 16, 16)),
    };

    /// <summary>Pseudo labels that no configuration names.</summary>
    public Func<Session, IPseudoLabels>? PseudoLabels { get; init; }

    public string Run(string name) => Path.Combine(_folder, name);

    /// <summary>Trains from the beginning, or goes on; true if the last iteration was reached.</summary>
    public bool Train(
        string name, ITrainingObserver? observer = null, CancellationTokenSource? stop = null, int threads = 2,
        TrainingConfiguration? configuration = null, Func<Device>? open = null)
    {
        configuration ??= Configuration;
        using Device device = open?.Invoke() ?? new CpuDevice(threads);
        RunFolder run = Directory.Exists(Run(name))
            ? RunFolder.Open(Run(name), configuration).Run
            : RunFolder.Create(Run(name), configuration);
        var session = new Session(device, configuration.Seed);
        var training = new RetrainingRun(
            session, configuration, Data, run, PseudoLabels?.Invoke(session), () => new CaseStore(Load));
        return training.Execute(observer ?? new Silent(), stop?.Token ?? CancellationToken.None);
    }

    public byte[] Checkpoint(string name) => File.ReadAllBytes(Path.Combine(Run(name), "checkpoint.safetensors"));

    public byte[] Model(string name) => File.ReadAllBytes(Path.Combine(Run(name), "model.safetensors"));

    /// <summary>The log, without times.</summary>
    public string[] Log(string name) => LogOf(Run(name));

    /// <summary>The log of a run's folder, without times.</summary>
    public static string[] LogOf(string run) =>
    [
        .. TrainingLog.Read(Path.Combine(run, "log.jsonl")).Select(line =>
        {
            line.Remove("seconds");
            return line.ToJsonString();
        }),
    ];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static Case Named(int number) => new($"case{number}", $"case{number}", $"case{number}");

    /// <summary>A case with its true label, the label of a file, or none.</summary>
    public LoadedCase Load(Case each)
    {
        if (each.Name == "broken") throw new BadDataException($"{each.ImagePath}: damaged");
        var random = new Random(each.Name[^1]);
        float[] image = new float[Size.Voxels];
        byte[] label = new byte[Size.Voxels];
        int left = random.Next(2, 8), top = random.Next(2, 6);
        for (int i = 0; i < image.Length; i++)
        {
            int x = i / Size.Z / Size.Y, y = i / Size.Z % Size.Y;
            bool inside = x >= left && x < left + 12 && y >= top && y < top + 10;
            label[i] = inside ? (byte)1 : (byte)0;
            image[i] = (inside ? 2 : 0) + (float)random.NextDouble();
        }
        if (Data.Classes.Count == 3) label[0] = 2;
        byte[]? told = each.LabelPath is null ? null
            : each.LabelPath.EndsWith(".nii.gz") ? VolumeFile.ReadLabels(each.LabelPath).Voxels : label;
        return new LoadedCase(each.Name, Geometry.Unit(Size), image, told);
    }

    public sealed class Silent : ITrainingObserver;
}
