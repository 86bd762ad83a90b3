using Cfr.Kernels.Cpu;

namespace Cfr.Kernels.Tests;

public class AttentionTests
{
    const int Batch = 2, Heads = 2, Width = 16, Channels = Heads * Width;

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Logits_of_ten_thousand_do_not_overflow(int form)
    {
        // Few distinct whole numbers, so that no logit is rounded: what is left is the softmax.
        const int Tokens = 300;
        float[] qkv = [.. Numbers.Draw(Batch * Tokens * 3L * Channels, seed: 3).Select(x => MathF.Round(25 * x))];
        var shape = new AttentionShape(Batch, Heads, Tokens, Tokens, Width, 1);
        var layout = new Tokens(default, 3 * Channels, 3L * Channels * Tokens);
        var result = new Tokens(default, Channels, (long)Channels * Tokens);
        double[] exact = qkv.Doubles(), y = new double[Batch * Tokens * Channels];
        double[] sums = new double[Batch * Heads * Tokens];
        AttentionNaive.Forward<double>(
            shape, layout, exact, layout, exact.AsSpan(Channels), layout, exact.AsSpan(2 * Channels), [], [], result,
            y, sums);
        Assert.Contains(sums, sum => sum > 1e3);

        using var operands = new Operands(CpuForms.All[form]);
        View packed = operands.Of(qkv), got = operands.Output(y.Length), logSumExp = operands.Output(sums.Length);
        operands.Device.Attention.Forward(
            shape, layout with { Data = packed }, layout with { Data = packed.Slice(Channels) },
            layout with { Data = packed.Slice(2 * Channels) }, default, result with { Data = got }, logSumExp);
        Numbers.AssertClose(y, operands.Floats(got), 2e-6, 2e-5);
        Numbers.AssertClose(sums, operands.Floats(logSumExp), 5e-7);
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void A_NaN_in_a_query_reaches_that_query_only(int form) => CheckNaN(CpuForms.All[form]);

    internal static void CheckNaN(Device device)
    {
        const int Queries = 10, Keys = 21;
        float[] q = Numbers.Draw(Batch * Queries * Channels);
        q[3 * Channels + 1] = float.NaN;
        using var operands = new Operands(device);
        View y = operands.Output(q.Length);
        var rows = new Tokens(default, Channels, (long)Channels * Queries);
        var others = new Tokens(operands.Of(Numbers.Draw(Batch * Keys * Channels, 2)), Channels, (long)Channels * Keys);
        operands.Device.Attention.Forward(
            new AttentionShape(Batch, Heads, Queries, Keys, Width, 0.25f), rows with { Data = operands.Of(q) }, others,
            others, default, rows with { Data = y }, default);
        float[] got = operands.Floats(y);
        for (int i = 0; i < got.Length; i++)
            Assert.Equal(i / Channels == 3 && i % Channels < Width, float.IsNaN(got[i]));
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Rows_may_be_wider_than_their_tokens_and_gaps_stay_untouched(int form) => CheckGaps(CpuForms.All[form]);

    internal static void CheckGaps(Device device)
    {
        const int Height = 5, Columns = 9, Tokens = Height * Columns, Gap = 3;
        var shape = new AttentionShape(Batch, Heads, Tokens, Tokens, Width, 0.25f, Height, Columns);
        long stride = Channels + Gap, count = Batch * Tokens * stride;
        var layout = new Tokens(default, stride, Tokens * stride);
        float[][] inputs = [.. Enumerable.Range(1, 4).Select(seed => Numbers.Draw(count, seed))];
        float[] height = Numbers.Draw((2 * Height - 1) * Width, 5), width = Numbers.Draw((2 * Columns - 1) * Width, 6);
        double[][] want = [.. Enumerable.Range(0, 4).Select(_ => new double[count])];
        foreach (double[] output in want) Array.Fill(output, double.NaN);
        double[] dHeight = new double[height.Length], dWidth = new double[width.Length];
        double[] q = inputs[0].Doubles(), k = inputs[1].Doubles(), v = inputs[2].Doubles(), dy = inputs[3].Doubles();
        AttentionNaive.Forward<double>(
            shape, layout, q, layout, k, layout, v, height.Doubles(), width.Doubles(), layout, want[0], []);
        AttentionNaive.Backward<double>(
            shape, layout, q, layout, k, layout, v, height.Doubles(), width.Doubles(), layout, dy, layout, want[1],
            layout, want[2], layout, want[3], dHeight, dWidth);

        using var operands = new Operands(device);
        Tokens[] given = [.. inputs.Select(input => layout with { Data = operands.Of(input) })];
        Tokens[] got = [.. want.Select(_ => layout with { Data = operands.Output(count) })];
        var tables = new RelativePositions(operands.Of(height), operands.Of(width));
        var dTables = new RelativePositions(operands.Output(height.Length), operands.Output(width.Length));
        View logSumExp = operands.Output(Batch * Heads * Tokens);
        operands.Device.Attention.Forward(shape, given[0], given[1], given[2], tables, got[0], logSumExp);
        operands.Device.Attention.Backward(
            shape, given[0], given[1], given[2], tables, got[0], logSumExp, given[3], got[1], got[2], got[3], dTables);
        for (int i = 0; i < 4; i++) Numbers.AssertClose(want[i], operands.Floats(got[i].Data), 2e-6, 1e-5);
        Numbers.AssertClose(dHeight, operands.Floats(dTables.Height), 2e-6, 5e-5);
        Numbers.AssertClose(dWidth, operands.Floats(dTables.Width), 2e-6, 5e-5);
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void A_long_attention_needs_little_memory(int form)
    {
        const int Grid = 40, Tokens = Grid * Grid;
        var shape = new AttentionShape(1, Heads, Tokens, Tokens, Width, 0.25f, Grid, Grid);
        // A device of its own: others' memory would count.
        CpuDevice like = CpuForms.All[form];
        using var device = new CpuDevice(like.ThreadCount, like.VectorWidth);
        using var operands = new Operands(device);
        var packed = new Tokens(operands.Of(Numbers.Draw(Tokens * 3L * Channels)), 3 * Channels, 0);
        View table = operands.Of(Numbers.Draw((2 * Grid - 1) * Width)), y = operands.Output(Tokens * Channels);
        long before = operands.Device.Pool.BytesInUse;
        operands.Device.Pool.ResetPeak();
        operands.Device.Attention.Forward(
            shape, packed, packed with { Data = packed.Data.Slice(Channels) },
            packed with { Data = packed.Data.Slice(2 * Channels) },
            new RelativePositions(table, table), new Tokens(y, Channels, 0), default);
        long probabilities = (long)Heads * Tokens * Tokens * sizeof(float);
        Assert.InRange(operands.Device.Pool.PeakBytes - before, 0, probabilities / 10);
    }
}
