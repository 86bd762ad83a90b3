namespace Cfr.Kernels.Tests.Cuda;

/// <summary>Optimiser steps of the CUDA kernels, emulated: many parameters, odd addresses, averages, tables.</summary>
public class GpuOptimizersTests
{
    static readonly int[] Sizes = [1, 3, 8197, 8, 0, 130];

    [Theory, InlineData(false), InlineData(true)]
    public void Sgd_follows_the_formula_over_many_parameters(bool withMomentum)
    {
        using var operands = new Operands(Emulated.Device);
        double[][] p = [.. Sizes.Select(size => Numbers.Draw(size, 1).Doubles())],
            m = [.. Sizes.Select(size => new double[size])], average = [.. Sizes.Select(size => new double[size])];
        SgdSlot[] slots = [.. Sizes.Select((size, i) => new SgdSlot(
            i == 5 ? operands.Unaligned(Numbers.Draw(size, 1)) : operands.Of(Numbers.Draw(size, 1)),
            operands.Output(size), withMomentum ? operands.Output(size) : default,
            i % 2 == 0 ? operands.Of(new float[size]) : default))];
        for (int i = 0; i < 3; i++)
        {
            var step = new SgdStep(0.1f / (i + 1), 0.9f, 1e-2f, FirstStep: i == 0, AverageDecay: 0.75f);
            for (int s = 0; s < Sizes.Length; s++)
            {
                float[] g = Numbers.Draw(Sizes[s], 10 + i);
                operands.Device.Upload<float>(g, slots[s].Gradient);
                OptimizersNaive.Sgd(step, p[s], g.Doubles(), withMomentum ? m[s] : []);
                OptimizersNaive.Ema(0.75, average[s], p[s]);
            }
            operands.Device.Optimizers.Sgd(step, slots);
        }
        for (int s = 0; s < Sizes.Length; s++)
        {
            Numbers.AssertClose(p[s], operands.Floats(slots[s].Parameter), 1e-6, 2e-7);
            if (withMomentum) Numbers.AssertClose(m[s], operands.Floats(slots[s].Momentum), 1e-6, 5e-7);
            if (s % 2 == 0) Numbers.AssertClose(average[s], operands.Floats(slots[s].Average), 1e-6, 2e-7);
        }
    }

    [Fact]
    public void AdamW_follows_the_formula_over_many_parameters()
    {
        using var operands = new Operands(Emulated.Device);
        double[][] p = [.. Sizes.Select(size => Numbers.Draw(size, 1).Doubles())];
        double[][] m = [.. Sizes.Select(size => new double[size])], v = [.. Sizes.Select(size => new double[size])];
        double[][] average = [.. Sizes.Select(size => new double[size])];
        AdamWSlot[] slots = [.. Sizes.Select((size, i) => new AdamWSlot(
            operands.Of(Numbers.Draw(size, 1)), i == 5 ? operands.Unaligned(new float[size]) : operands.Output(size),
            operands.Of(new float[size]), operands.Of(new float[size]),
            i % 2 == 0 ? operands.Of(new float[size]) : default))];
        for (int t = 1; t <= 3; t++)
        {
            var step = new AdamWStep(1e-2f, 0.9f, 0.999f, 1e-8f, 0.1f, t, AverageDecay: 0.5f);
            for (int s = 0; s < Sizes.Length; s++)
            {
                float[] g = Numbers.Draw(Sizes[s], 10 + t);
                operands.Device.Upload<float>(g, slots[s].Gradient);
                OptimizersNaive.AdamW(step, p[s], g.Doubles(), m[s], v[s]);
                OptimizersNaive.Ema(0.5, average[s], p[s]);
            }
            operands.Device.Optimizers.AdamW(step, slots);
        }
        for (int s = 0; s < Sizes.Length; s++)
        {
            Numbers.AssertClose(p[s], operands.Floats(slots[s].Parameter), 1e-6, 2e-7);
            Numbers.AssertClose(m[s], operands.Floats(slots[s].FirstMoment), 1e-6, 1e-7);
            Numbers.AssertClose(v[s], operands.Floats(slots[s].SecondMoment), 1e-6, 1e-9);
            if (s % 2 == 0) Numbers.AssertClose(average[s], operands.Floats(slots[s].Average), 1e-6, 2e-7);
        }
    }

    [Fact]
    public void Moving_averages_follow_the_formula_for_more_lists_than_are_kept()
    {
        using var operands = new Operands(Emulated.Device);
        for (int list = 0; list < 40; list++)
        {
            int size = list + 1;
            View average = operands.Of(Numbers.Draw(size, list)), value = operands.Of(Numbers.Draw(size, 100 + list));
            operands.Device.Optimizers.Ema(0.99f, [new EmaSlot(average, value)]);
            double[] want = Numbers.Draw(size, list).Doubles();
            OptimizersNaive.Ema((double)0.99f, want, Numbers.Draw(size, 100 + list).Doubles());
            Numbers.AssertClose(want, operands.Floats(average), 2e-7, 1e-7);
        }
    }

    [Fact]
    public void Without_an_element_nothing_happens() =>
        Emulated.Device.Optimizers.Ema(0.5f, [new EmaSlot(default, default)]);
}
