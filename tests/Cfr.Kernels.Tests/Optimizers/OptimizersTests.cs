namespace Cfr.Kernels.Tests;

public class OptimizersTests
{
    static readonly int[] Sizes = [1, 3, 40_001, 8, 0, 1000, 16_384, 7];

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Sgd_follows_the_formula_over_many_parameters(int form)
    {
        foreach (bool withMomentum in (bool[])[false, true])
        {
            using var operands = new Operands(CpuForms.All[form]);
            double[][] p = [.. Sizes.Select(size => Numbers.Draw(size, 1).Doubles())], m = [.. Sizes.Select(size => new double[size])];
            SgdSlot[] slots = [.. Sizes.Select(size => new SgdSlot(
                operands.Of(Numbers.Draw(size, 1)), operands.Output(size), withMomentum ? operands.Output(size) : default))];
            for (int i = 0; i < 4; i++)
            {
                var step = new SgdStep(0.1f / (i + 1), 0.9f, 1e-2f, FirstStep: i == 0);
                for (int s = 0; s < Sizes.Length; s++)
                {
                    float[] g = Numbers.Draw(Sizes[s], 10 + i);
                    operands.Device.Upload<float>(g, slots[s].Gradient);
                    OptimizersNaive.Sgd(step, p[s], g.Doubles(), withMomentum ? m[s] : []);
                }
                operands.Device.Optimizers.Sgd(step, slots);
            }
            for (int s = 0; s < Sizes.Length; s++)
            {
                Numbers.AssertClose(p[s], operands.Floats(slots[s].Parameter), 1e-6, 2e-7);
                if (withMomentum) Numbers.AssertClose(m[s], operands.Floats(slots[s].Momentum), 1e-6, 5e-7);
            }
        }
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void AdamW_follows_the_formula_over_many_parameters(int form)
    {
        using var operands = new Operands(CpuForms.All[form]);
        double[][] p = [.. Sizes.Select(size => Numbers.Draw(size, 1).Doubles())];
        double[][] m = [.. Sizes.Select(size => new double[size])], v = [.. Sizes.Select(size => new double[size])];
        AdamWSlot[] slots = [.. Sizes.Select(size => new AdamWSlot(operands.Of(Numbers.Draw(size, 1)), operands.Output(size),
            operands.Of(new float[size]), operands.Of(new float[size])))];
        for (int t = 1; t <= 5; t++)
        {
            var step = new AdamWStep(1e-2f, 0.9f, 0.999f, 1e-8f, 0.1f, t);
            for (int s = 0; s < Sizes.Length; s++)
            {
                float[] g = Numbers.Draw(Sizes[s], 10 + t);
                operands.Device.Upload<float>(g, slots[s].Gradient);
                OptimizersNaive.AdamW(step, p[s], g.Doubles(), m[s], v[s]);
            }
            operands.Device.Optimizers.AdamW(step, slots);
        }
        for (int s = 0; s < Sizes.Length; s++)
        {
            Numbers.AssertClose(p[s], operands.Floats(slots[s].Parameter), 1e-6, 2e-7);
            Numbers.AssertClose(m[s], operands.Floats(slots[s].FirstMoment), 1e-6, 1e-7);
            Numbers.AssertClose(v[s], operands.Floats(slots[s].SecondMoment), 1e-6, 1e-9);
        }
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void Moving_averages_follow_the_formula_over_many_parameters(int form)
    {
        using var operands = new Operands(CpuForms.All[form]);
        EmaSlot[] slots = [.. Sizes.Select(size => new EmaSlot(operands.Of(Numbers.Draw(size, 1)), operands.Of(Numbers.Draw(size, 2))))];
        operands.Device.Optimizers.Ema(0.99f, slots);
        for (int s = 0; s < Sizes.Length; s++)
        {
            double[] average = Numbers.Draw(Sizes[s], 1).Doubles();
            OptimizersNaive.Ema((double)0.99f, average, Numbers.Draw(Sizes[s], 2).Doubles());
            Numbers.AssertClose(average, operands.Floats(slots[s].Average), 2e-7, 1e-7);
        }
    }
}
