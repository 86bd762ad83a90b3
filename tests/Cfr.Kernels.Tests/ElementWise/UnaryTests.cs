namespace Cfr.Kernels.Tests;

public class UnaryTests
{
    public static TheoryData<int, UnaryOp> Forms
    {
        get
        {
            var forms = new TheoryData<int, UnaryOp>();
            for (int form = 0; form < CpuForms.All.Length; form++)
                foreach (UnaryOp op in Enum.GetValues<UnaryOp>())
                    forms.Add(form, op);
            return forms;
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void Values_match_double_precision(int form, UnaryOp op)
    {
        foreach (int count in (int[])[0, 1, 3, 8, 33, 50_001])
        {
            float[] x = Arguments(op, count);
            double[] want = new double[count];
            ElementWiseNaive.Unary(op, x.Doubles(), want, 0.25);
            using var operands = new Operands(CpuForms.All[form]);
            View y = operands.Output(count);
            operands.Device.ElementWise.Unary(op, operands.Of(x), y, 0.25f);
            Numbers.AssertClose(want, operands.Floats(y), relative: 1e-6, AbsoluteError(op));
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void Derivatives_match_double_precision(int form, UnaryOp op)
    {
        foreach (int count in (int[])[1, 33, 20_001])
        {
            float[] x = Arguments(op, count), dy = Numbers.Draw(count, seed: 5);
            double[] want = new double[count];
            ElementWiseNaive.UnaryBackward(op, x.Doubles(), dy.Doubles(), want, 0.25);
            using var operands = new Operands(CpuForms.All[form]);
            View dx = operands.Output(count);
            operands.Device.ElementWise.UnaryBackward(op, operands.Of(x), operands.Of(dy), dx, 0.25f);
            Numbers.AssertClose(want, operands.Floats(dx), relative: 2e-6, Math.Max(1e-30, AbsoluteError(op)));
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void NaN_gives_NaN_and_the_result_may_replace_the_argument(int form, UnaryOp op)
    {
        float[] x = Arguments(op, 21);
        (x[0], x[9], x[20]) = (float.NaN, float.NaN, float.NaN);
        double[] want = new double[x.Length];
        ElementWiseNaive.Unary(op, x.Doubles(), want, 0.25);
        using var operands = new Operands(CpuForms.All[form]);
        View place = operands.Of(x);
        operands.Device.ElementWise.Unary(op, place, place, 0.25f);
        Numbers.AssertClose(want, operands.Floats(place), relative: 1e-6, AbsoluteError(op));
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Ends_of_the_range_are_those_of_the_standard(int form)
    {
        float infinity = float.PositiveInfinity;
        float[] x =
        [
            infinity, -infinity, 0, 1e-45f, 1e-40f, 1.17549435e-38f, -1, float.MaxValue, 1,
            infinity, -infinity, 0, 1e-45f, 1e-40f, 1.17549435e-38f, -1, float.MaxValue, 1,
        ];
        UnaryOp[] ops = [UnaryOp.Log, UnaryOp.Sigmoid, UnaryOp.Tanh, UnaryOp.Exp, UnaryOp.Relu, UnaryOp.Sqrt,
            UnaryOp.Abs];
        foreach (UnaryOp op in ops)
        {
            double[] want = new double[x.Length];
            ElementWiseNaive.Unary(op, x.Doubles(), want, 0);
            for (int i = 0; i < want.Length; i++) want[i] = (float)want[i];
            using var operands = new Operands(CpuForms.All[form]);
            View y = operands.Output(x.Length);
            operands.Device.ElementWise.Unary(op, operands.Of(x), y);
            Numbers.AssertClose(want, operands.Floats(y), relative: 1e-6);
        }
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Tanh_and_sigmoid_keep_their_digits_near_zero_and_far_out(int form)
    {
        float[] x = [.. Numbers.Draw(1000, 2, -1e-3f, 1e-3f), .. Numbers.Draw(1000, 3, -80, 5), 1e-20f, -1e-20f];
        foreach (UnaryOp op in (UnaryOp[])[UnaryOp.Tanh, UnaryOp.Sigmoid])
        {
            double[] want = new double[x.Length];
            ElementWiseNaive.Unary(op, x.Doubles(), want, 0);
            using var operands = new Operands(CpuForms.All[form]);
            View y = operands.Output(x.Length);
            operands.Device.ElementWise.Unary(op, operands.Of(x), y);
            Numbers.AssertClose(want, operands.Floats(y), relative: 5e-7);
        }
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Clamp_keeps_NaN_and_passes_gradients_at_its_ends(int form)
    {
        float[] x = [-3, -1, -0.5f, 0, 2, 2.5f, float.NaN, 1, 9], dy = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        using var operands = new Operands(CpuForms.All[form]);
        View y = operands.Output(x.Length), dx = operands.Output(x.Length);
        operands.Device.ElementWise.Clamp(operands.Of(x), -1, 2, y);
        operands.Device.ElementWise.ClampBackward(operands.Of(x), -1, 2, operands.Of(dy), dx);
        Assert.Equal([-1, -1, -0.5f, 0, 2, 2, float.NaN, 1, 2], operands.Floats(y));
        Assert.Equal([0, 2, 3, 4, 5, 0, 0, 8, 0], operands.Floats(dx));
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Fill_affine_add_scaled_and_equal_to_do_what_they_say(int form)
    {
        float[] x = Numbers.Draw(40_003), before = Numbers.Draw(40_003, seed: 2);
        int[] labels = [.. x.Select((_, i) => i % 5 - 1)];
        using var operands = new Operands(CpuForms.All[form]);
        IElementWise kernels = operands.Device.ElementWise;
        View filled = operands.Output(x.Length), affine = operands.Output(x.Length), added = operands.Of(before);
        View negative = operands.Output(x.Length);
        kernels.Fill(filled, 3);
        kernels.Affine(operands.Of(x), 2, -1, affine);
        kernels.AddScaled(operands.Of(x), 0.5f, added);
        kernels.EqualTo(operands.Of(labels), -1, negative);
        Assert.All(operands.Floats(filled), value => Assert.Equal(3, value));
        Numbers.AssertClose([.. x.Select(v => 2.0 * v - 1)], operands.Floats(affine), 1e-7, 1e-7);
        Numbers.AssertClose([.. x.Zip(before, (v, b) => b + 0.5 * v)], operands.Floats(added), 1e-7, 1e-7);
        Assert.Equal(labels.Select(label => label == -1 ? 1f : 0f), operands.Floats(negative));
    }

    static float[] Arguments(UnaryOp op, int count) => op switch
    {
        UnaryOp.Log => [.. Numbers.Draw(count, 1, -20, 20).Select(MathF.Exp)],
        UnaryOp.Sqrt => Numbers.Draw(count, 1, 0, 100),
        UnaryOp.Sin or UnaryOp.Cos => Numbers.Draw(count, 1, -3000, 3000),
        UnaryOp.Reciprocal => [.. Numbers.Draw(count, 1, -4, 4).Select(x => x + MathF.CopySign(0.1f, x))],
        _ => Numbers.Draw(count, 1, -9, 9),
    };

    /// <summary>Where values cross zero only the absolute error is small.</summary>
    static double AbsoluteError(UnaryOp op) => op switch
    {
        UnaryOp.Sin or UnaryOp.Cos => 4e-7,
        UnaryOp.Gelu => 3e-7,
        UnaryOp.Log => 1e-7,
        _ => 0,
    };
}
