using System.Globalization;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Volumes and labels in a device's memory, uploaded once: patches are cut there, turned, flipped and padded as <see
/// cref="PatchDraw"/> does it on the host, with the same bits. 8 bytes a voxel, until the scope ends in which it was made.
/// </summary>
public sealed class ResidentCases
{
    /// <summary>Of the memory that is free before training: the rest is for networks and steps.</summary>
    const double Share = 0.25;

    readonly Session _session;
    readonly Tensor _unknown;
    readonly Dictionary<Case, Volumes> _cases = [];

    internal ResidentCases(Session session, IReadOnlyList<Case> cases, CaseStore store)
    {
        _session = session;
        _unknown = session.Labels([Batch.Unknown], [1, 1, 1]);
        foreach (Case each in cases.Distinct())
        {
            LoadedCase loaded = store.Get(each);
            GridSize size = loaded.Geometry.Size;
            Shape grid = [size.X, size.Y, size.Z];
            Tensor? label = loaded.Label is { } classes
                ? session.Labels(Array.ConvertAll(classes, value => (int)value), grid) : null;
            _cases.Add(each, new(size, session.Tensor(loaded.Image, [.. grid, 1]), label));
        }
    }

    /// <summary>
    /// The cases in the memory of the session's device, if it has memory of its own and they take no more than a quarter
    /// of what is free; otherwise null.
    /// </summary>
    /// <param name="session">Where patches are wanted.</param>
    /// <param name="cases">Which cases.</param>
    /// <param name="store">Where they come from.</param>
    /// <param name="freeBytes">What is free; null where the device has the host's memory.</param>
    /// <param name="warn">Told, in a line, that they do not fit.</param>
    public static ResidentCases? Upload(
        Session session, IReadOnlyList<Case> cases, CaseStore store, long? freeBytes, Action<string> warn)
    {
        if (freeBytes is not { } free) return null;
        long needed = cases.Distinct().Select(store.Get)
            .Sum(loaded => loaded.Geometry.Size.Voxels * sizeof(float) * (loaded.Label is null ? 1 : 2));
        if (needed <= Share * free) return new ResidentCases(session, cases, store);
        warn($"patches are cut on the host and copied: the training cases take {GiB(needed)}, more than a quarter of the "
            + $"{GiB(free)} that {session.Device.Name} has free");
        return null;

        static string GiB(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):F2} GiB");
    }

    /// <summary>Size of a case.</summary>
    public GridSize SizeOf(Case each) => _cases[each].Size;

    /// <summary>Intensities <c>[N, D, H, W, 1]</c> of patches.</summary>
    public Tensor Images(ReadOnlySpan<(Case, PatchDraw)> patches) =>
        Boxes(patches, (of, draw) => (of.Image, draw.Box(of.Size)));

    /// <summary>Classes <c>[N, D, H, W]</c> of patches; <see cref="Batch.Unknown"/> throughout a case without a label.</summary>
    public Tensor Labels(ReadOnlySpan<(Case, PatchDraw)> patches) => Boxes(patches, (of, draw) =>
        of.Label is { } label ? (label, draw.Box(of.Size)) : (_unknown, Everywhere(draw.Crop.Patch)));

    Tensor Boxes(ReadOnlySpan<(Case Case, PatchDraw Draw)> patches, Func<Volumes, PatchDraw, (Tensor, GridBox)> box)
    {
        var boxes = new (Tensor, GridBox)[patches.Length];
        for (int i = 0; i < boxes.Length; i++) boxes[i] = box(_cases[patches[i].Case], patches[i].Draw);
        return _session.Boxes(boxes);
    }

    /// <summary>A box whose every element is the one of a grid of one.</summary>
    static GridBox Everywhere(GridSize patch) => new(new(0, 0, 0, patch.X), new(1, 0, 0, patch.Y), new(2, 0, 0, patch.Z));

    sealed record Volumes(GridSize Size, Tensor Image, Tensor? Label);
}
