namespace Cfr.Kernels.Cuda;

/// <summary>
/// Arguments of all kernels of matrix products. An operand is lines (rows of A, columns of B) by steps (the index that
/// is summed over); strides are in elements.
/// </summary>
struct MatmulArguments
{
    public long A, B;

    /// <summary>From line to line and from step to step. The tiled kernels read only the one that is not 1.</summary>
    public long LineA, StepA, LineB, StepB;

    /// <summary>From matrix to matrix; 0 shares one.</summary>
    public long BatchA, BatchB, BatchC;

    /// <summary>From row to row of C.</summary>
    public long RowC;

    public EpilogueOperands Epilogue;
    public int Form;

    public int M, N, K;

    /// <summary>
    /// The sum is cut into this many pieces of <see cref="StepsPerSplit"/> steps each; piece s of matrix b is matrix
    /// <c>b Splits + s</c> of C.
    /// </summary>
    public int Splits, StepsPerSplit;
}
