namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Batches of one set: each epoch a new permutation cut into groups, the last of which may be smaller. Fewer cases than
/// a batch takes make every batch that small, as in the published code's supervised runs.
/// </summary>
public sealed class ShuffledSampler : IBatchSampler
{
    readonly int _count, _batch;
    readonly Permutation _permutation;

    /// <summary>Cases 0 .. count - 1 in batches of <paramref name="batch"/>.</summary>
    /// <exception cref="ArgumentException">No case, or an empty batch.</exception>
    public ShuffledSampler(int count, int batch, ulong seed)
    {
        if (count < 1) throw new ArgumentException("no case to draw from");
        if (batch < 1) throw new ArgumentException($"batches of {batch} cases; expected at least 1");
        (_count, _batch, _permutation) = (count, batch, TwoStreamSampler.Seeded(seed));
        EpochLength = (count + batch - 1) / batch;
    }

    /// <inheritdoc/>
    public int EpochLength { get; }

    /// <inheritdoc/>
    public int[] Batch(long iteration)
    {
        int epoch = (int)(iteration / EpochLength), first = (int)(iteration % EpochLength) * _batch;
        return _permutation("all", epoch, 0, _count)[first..Math.Min(first + _batch, _count)];
    }
}
