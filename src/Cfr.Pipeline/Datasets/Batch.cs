using Cfr.Kernels;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Datasets;

/// <summary>Patches to train on. Dispose it when it is uploaded: its memory serves a later batch.</summary>
public sealed class Batch : IDisposable
{
    /// <summary>The label of voxels of which nothing is known; losses ignore it.</summary>
    public const int Unknown = 255;

    readonly float[] _images;
    readonly int[] _labels;
    readonly (Case, PatchDraw)[] _patches;
    readonly ResidentCases? _resident;
    Action<Batch>? _recycle;

    /// <summary>Room for patches, or for where they lie in cases that are on the device.</summary>
    internal Batch(GridSize patch, int capacity, ResidentCases? resident = null)
    {
        (Patch, Capacity, _resident) = (patch, capacity, resident);
        long voxels = resident is null ? capacity * patch.Voxels : 0;
        _images = new float[voxels];
        _labels = new int[voxels];
        _patches = new (Case, PatchDraw)[capacity];
    }

    /// <summary>Which batch of the run this is, from 0.</summary>
    public long Iteration { get; private set; }

    /// <summary>Cases of the samples, in their order.</summary>
    public IReadOnlyList<Case> Cases { get; private set; } = [];

    /// <summary>Samples.</summary>
    public int Count => Cases.Count;

    /// <summary>Size of each.</summary>
    public GridSize Patch { get; }

    /// <summary>Intensities <c>[N, X, Y, Z]</c>, if the patches were cut on the host.</summary>
    public ReadOnlySpan<float> Images => _images.AsSpan(0, (int)(Count * Patch.Voxels));

    /// <summary>Classes <c>[N, X, Y, Z]</c>, likewise; <see cref="Unknown"/> throughout a case without a label.</summary>
    public ReadOnlySpan<int> Labels => _labels.AsSpan(0, (int)(Count * Patch.Voxels));

    /// <summary>The images as a network takes them, <c>[N, D, H, W, 1]</c>.</summary>
    public Tensor ImageTensor(Session session) => _resident is { } device
        ? device.Images(Patches) : session.Tensor(Images, [Count, Patch.X, Patch.Y, Patch.Z, 1]);

    /// <summary>The labels as losses take them, <c>[N, D, H, W]</c>.</summary>
    public Tensor LabelTensor(Session session) => _resident is { } device
        ? device.Labels(Patches) : session.Labels(Labels, [Count, Patch.X, Patch.Y, Patch.Z]);

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _recycle, null)?.Invoke(this);

    internal int Capacity { get; }

    ReadOnlySpan<(Case, PatchDraw)> Patches => _patches.AsSpan(0, Count);

    internal void Begin(long iteration, IReadOnlyList<Case> cases, Action<Batch> recycle) =>
        (Iteration, Cases, _recycle) = (iteration, cases, recycle);

    /// <summary>Random intensities and classes, to see what a step takes.</summary>
    internal void FillRandom(IReadOnlyList<Case> cases, int classes)
    {
        var random = new RandomNumbers(RandomKey.For(0, "trial"));
        random.Normal(_images);
        for (int i = 0; i < _labels.Length; i++) _labels[i] = random.Below(classes);
        Cases = cases;
    }

    /// <summary>Says where a patch lies that the device is to cut.</summary>
    internal void Point(int slot, PatchDraw draw) => _patches[slot] = (Cases[slot], draw);

    internal Span<float> Image(int slot) => _images.AsSpan(slot * (int)Patch.Voxels, (int)Patch.Voxels);

    internal void Fill(int slot, LoadedCase from, PatchDraw draw)
    {
        int voxels = (int)Patch.Voxels;
        draw.Cut(from.Geometry.Size, from.Image, Image(slot));
        Span<int> labels = _labels.AsSpan(slot * voxels, voxels);
        if (from.Label is null) labels.Fill(Unknown);
        else draw.Cut(from.Geometry.Size, from.Label, labels);
    }
}
