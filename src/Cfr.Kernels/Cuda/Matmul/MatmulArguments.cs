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

    /// <summary>The matrix of the batch that the grid's z = 0 stands for.</summary>
    public int FirstMatrix;

    /// <summary>
    /// The sum is cut into pieces of this many steps each; piece p of matrix b goes to matrix <c>b Pieces + p</c> of C.
    /// </summary>
    public int Pieces, PieceSteps;
}
