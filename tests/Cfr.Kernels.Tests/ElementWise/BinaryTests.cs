namespace Cfr.Kernels.Tests;

public class BinaryTests
{
    /// <summary>
    /// The forms in which b repeats: same shape, number, trailing axes, channel mask, one per row, and odd ones.
    /// </summary>
    static IEnumerable<(Broadcast Form, long Count)> Broadcasts()
    {
        foreach (long count in (long[])[0, 1, 5, 64, 40_003]) yield return (Broadcast.None(count), count);
        yield return (new Broadcast(1, 1, 40_003, 0, 0, 0), 1);
        foreach (long inner in (long[])[1, 2, 3, 16, 31, 64, 100, 768, 3000])
        {
            yield return (new Broadcast(1, 70, inner, 0, 0, 1), inner);
            yield return (new Broadcast(1, 20_001 / inner + 3, inner, 0, 0, 1), inner);
            yield return (new Broadcast(3, 70, inner, inner, 0, 1), 3 * inner);
            yield return (new Broadcast(3, 9001 / inner + 2, inner, inner, 0, 1), 3 * inner);
            yield return (new Broadcast(1, 70, inner, 0, 1, 0), 70);
            yield return (new Broadcast(5, 70, inner, 70, 1, 0), 350);
            yield return (new Broadcast(5, 7, inner, 0, 1, 0), 7);
            yield return (new Broadcast(5, 7, inner, 0, inner, 1), 7 * inner);
            yield return (new Broadcast(5, 7, inner, 1, 0, 0), 5);
            yield return (new Broadcast(5, 7, inner, 2, 3, 4), 8 + 18 + 4 * inner);
        }
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Every_form_of_repetition_equals_the_naive_form_exactly(int form)
    {
        foreach (var (broadcast, count) in Broadcasts())
            foreach (BinaryOp op in (BinaryOp[])[BinaryOp.Subtract, BinaryOp.Multiply])
                Check(form, op, broadcast, Numbers.Draw(broadcast.Count), Numbers.Draw(count, seed: 2));
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Every_function_equals_the_naive_form_exactly_and_keeps_NaN(int form)
    {
        float[] a = Numbers.Draw(50), b = Numbers.Draw(50, seed: 2);
        (a[3], b[4], a[48], b[49], a[7], b[8]) = (float.NaN, float.NaN, float.NaN, float.NaN, b[7], a[8]);
        foreach (BinaryOp op in Enum.GetValues<BinaryOp>()) Check(form, op, Broadcast.None(50), a, b);
    }

    static void Check(int form, BinaryOp op, Broadcast broadcast, float[] a, float[] b)
    {
        float[] want = new float[a.Length];
        ElementWiseNaive.Binary<float>(op, broadcast, a, b, want);
        using var operands = new Operands(CpuForms.All[form]);
        View y = operands.Of(a), right = operands.Of(b);
        operands.Device.ElementWise.Binary(op, broadcast, y, right, y);
        Assert.True(want.AsSpan().SequenceEqual(operands.Floats(y)), $"{op} {broadcast}");
    }
}
