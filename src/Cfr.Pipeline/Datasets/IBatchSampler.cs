namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Which cases a batch is made of, by iteration. A pure function: any iteration may be asked for at any time, by any
/// thread, so a run continues anywhere without a state to restore.
/// </summary>
public interface IBatchSampler
{
    /// <summary>Indices into the training cases, one per sample.</summary>
    /// <param name="iteration">From 0.</param>
    int[] Batch(long iteration);

    /// <summary>Batches after which the cases begin anew.</summary>
    int EpochLength { get; }
}

/// <summary>
/// A random order of 0 .. count - 1: the <paramref name="number"/>th of the <paramref name="epoch"/>th epoch, for one of
/// the streams that a sampler draws from.
/// </summary>
public delegate int[] Permutation(string stream, int epoch, int number, int count);
