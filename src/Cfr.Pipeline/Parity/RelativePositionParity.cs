using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>sam-relpos</c>: for each case, logits <c>attn</c> [heads, N, N] plus the relative positions of <c>q</c>
/// [heads, N, d] on a grid of <c>q_size</c> by tables <c>rel_pos_h</c> and <c>rel_pos_w</c>, which are resampled along
/// their rows where they have another length; gradients. The attention kernel adds them where nobody can see it; here
/// the formula is written out with other ops.
/// </summary>
static class RelativePositionParity
{
    const double Tolerance = 1e-6, GradientTolerance = 2e-6;

    public static void Run(ParityRun run)
    {
        const string End = "/q_size";
        foreach (string name in run.File.Names.Where(name => name.EndsWith(End)).Select(name => name[..^End.Length]))
        {
            using Scope step = run.Session.Step();
            Check(run, name, [.. run.File.Values(name + End).Select(size => (int)size)]);
        }
    }

    static void Check(ParityRun run, string name, int[] grid)
    {
        Tensor logits = SamModule.Leaf(run, $"{name}/attn"), q = SamModule.Leaf(run, $"{name}/q");
        Tensor tableH = SamModule.Leaf(run, $"{name}/rel_pos_h"), tableW = SamModule.Leaf(run, $"{name}/rel_pos_w");
        int heads = q.Size(0), rows = grid[0], columns = grid[1], width = q.Size(2);
        Tensor height = Relative(tableH, rows), across = Relative(tableW, columns);
        run.Output($"{name}/Rh", height, Tolerance);
        run.Output($"{name}/Rw", across, Tolerance);

        // q . R^h[y, y'] for all y together: a matrix product for each y, and the same for x.
        Tensor places = q.Reshape(heads, rows, columns, width);
        Tensor byRow = places.Permute(1, 0, 2, 3).Reshape(rows, heads * columns, width).Matmul(height, transposeB: true)
            .Reshape(rows, heads, columns, rows).Permute(1, 0, 2, 3);
        Tensor byColumn = places.Permute(2, 0, 1, 3).Reshape(columns, heads * rows, width).Matmul(across, transposeB: true)
            .Reshape(columns, heads, rows, columns).Permute(1, 2, 0, 3);
        Tensor y = logits.Reshape(heads, rows, columns, rows, columns) + byRow.Reshape(heads, rows, columns, rows, 1)
            + byColumn.Reshape(heads, rows, columns, 1, columns);
        run.Output($"{name}/out", y, Tolerance);
        if (!run.WithGradients || !run.File.Has($"{name}/upstream")) return;
        y.Backward(run.File.Tensor(run.Session, $"{name}/upstream").Reshape(y.Shape));
        run.Gradient($"{name}/grad_attn", logits.Grad, GradientTolerance);
        run.Gradient($"{name}/grad_q", q.Grad, GradientTolerance);
        run.Gradient($"{name}/grad_rel_pos_h", tableH.Grad, GradientTolerance);
        run.Gradient($"{name}/grad_rel_pos_w", tableW.Grad, GradientTolerance);
    }

    /// <summary>R[a, b] = T[a - b + size - 1]: a table [rows, d] -> [size, size, d].</summary>
    static Tensor Relative(Tensor table, int size)
    {
        int[] index = [.. Enumerable.Range(0, size * size).Select(i => i / size - i % size + size - 1)];
        int rows = table.Size(0), width = table.Size(1), needed = 2 * size - 1;
        if (rows != needed) table = table.Reshape(1, rows, 1, width).Resize([needed, 1]).Reshape(needed, width);
        return table.Gather(table.Session.Labels(index, [size, size]));
    }
}
