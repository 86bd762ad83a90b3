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
    Action<Batch>? _recycle;

    internal Batch(GridSize patch, int capacity)
    {
        Patch = patch;
        _images = new float[capacity * patch.Voxels];
        _labels = new int[capacity * patch.Voxels];
    }

    /// <summary>Which batch of the run this is, from 0.</summary>
    public long Iteration { get; private set; }

    /// <summary>Cases of the samples, in their order.</summary>
    public IReadOnlyList<Case> Cases { get; private set; } = [];

    /// <summary>Samples.</summary>
    public int Count => Cases.Count;

    /// <summary>Size of each.</summary>
    public GridSize Patch { get; }

    /// <summary>Intensities <c>[N, X, Y, Z]</c>.</summary>
    public ReadOnlySpan<float> Images => _images.AsSpan(0, (int)(Count * Patch.Voxels));

    /// <summary>Classes <c>[N, X, Y, Z]</c>; <see cref="Unknown"/> throughout a case without a label.</summary>
    public ReadOnlySpan<int> Labels => _labels.AsSpan(0, (int)(Count * Patch.Voxels));

    /// <summary>The images as a network takes them, <c>[N, D, H, W, 1]</c>.</summary>
    public Tensor ImageTensor(Session session) => session.Tensor(Images, [Count, Patch.X, Patch.Y, Patch.Z, 1]);

    /// <summary>The labels as losses take them, <c>[N, D, H, W]</c>.</summary>
    public Tensor LabelTensor(Session session) => session.Labels(Labels, [Count, Patch.X, Patch.Y, Patch.Z]);

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _recycle, null)?.Invoke(this);

    internal int Capacity => (int)(_images.Length / Patch.Voxels);

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

    internal void Fill(int slot, LoadedCase from, PatchDraw draw)
    {
        int voxels = (int)Patch.Voxels;
        draw.Cut(from.Geometry.Size, from.Image, _images.AsSpan(slot * voxels, voxels));
        Span<int> labels = _labels.AsSpan(slot * voxels, voxels);
        if (from.Label is null) labels.Fill(Unknown);
        else draw.Cut(from.Geometry.Size, from.Label, labels);
    }
}
