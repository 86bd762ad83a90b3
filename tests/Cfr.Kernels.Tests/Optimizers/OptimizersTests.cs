using Cfr.TestKit;

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
            double[][] p = [.. Sizes.Select(size => Numbers.Draw(size, 1).Doubles())],
                m = [.. Sizes.Select(size => new double[size])];
            SgdSlot[] slots = [.. Sizes.Select(size => new SgdSlot(
                operands.Of(Numbers.Draw(size, 1)), operands.Output(size),
                withMomentum ? operands.Output(size) : default))];
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
        AdamWSlot[] slots = [.. Sizes.Select(size =>
            new AdamWSlot(operands.Of(Numbers.Draw(size, 1)), operands.Output(size),
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
        EmaSlot[] slots = [.. Sizes.Select(size =>
            new EmaSlot(operands.Of(Numbers.Draw(size, 1)), operands.Of(Numbers.Draw(size, 2))))];
        operands.Device.Optimizers.Ema(0.99f, slots);
        for (int s = 0; s < Sizes.Length; s++)
        {
            double[] average = Numbers.Draw(Sizes[s], 1).Doubles();
            OptimizersNaive.Ema((double)0.99f, average, Numbers.Draw(Sizes[s], 2).Doubles());
            Numbers.AssertClose(average, operands.Floats(slots[s].Average), 2e-7, 1e-7);
        }
    }

    [Theory, MemberData(nameof(CpuForms.Indices), MemberType = typeof(CpuForms))]
    public void A_step_moves_the_averages_as_a_call_of_its_own_would(int form)
    {
        using var operands = new Operands(CpuForms.All[form]);
        foreach (int size in Sizes)
        {
            float[] p = Numbers.Draw(size, 1), g = Numbers.Draw(size, 2), before = Numbers.Draw(size, 3);
            View one = operands.Of(p), two = operands.Of(p), gradient = operands.Of(g);
            View averageOfOne = operands.Of(before), averageOfTwo = operands.Of(before);
            var sgd = new SgdStep(0.1f, 0, 0.01f, FirstStep: true, AverageDecay: 0.9f);
            operands.Device.Optimizers.Sgd(sgd, [new SgdSlot(one, gradient, default, averageOfOne)]);
            operands.Device.Optimizers.Sgd(sgd, [new SgdSlot(two, gradient, default)]);
            operands.Device.Optimizers.Ema(0.9f, [new EmaSlot(averageOfTwo, two)]);
            var adamW = new AdamWStep(0.1f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, AverageDecay: 0.9f);
            View[] moments = [.. Enumerable.Range(0, 4).Select(_ => operands.Of(new float[size]))];
            operands.Device.Optimizers.AdamW(
                adamW, [new AdamWSlot(one, gradient, moments[0], moments[1], averageOfOne)]);
            operands.Device.Optimizers.AdamW(adamW, [new AdamWSlot(two, gradient, moments[2], moments[3])]);
            operands.Device.Optimizers.Ema(0.9f, [new EmaSlot(averageOfTwo, two)]);
            Assert.Equal(operands.Floats(two), operands.Floats(one));
            Assert.Equal(operands.Floats(averageOfTwo), operands.Floats(averageOfOne));
        }
    }

    [Fact]
    public void A_decay_of_zero_copies()
    {
        using var operands = new Operands(CpuForms.All[1]);
        float[] value = Numbers.Draw(100, 2);
        View average = operands.Of(Numbers.Draw(100, 1, -1000, 1000));
        operands.Device.Optimizers.Ema(0, [new EmaSlot(average, operands.Of(value))]);
        Assert.Equal(value, operands.Floats(average));
    }

    [Theory]
    [InlineData("sam/optimizers.safetensors", "sgd")]
    [InlineData("ssl/optim.safetensors", "sgd")]
    public void Sgd_gives_the_parameters_of_PyTorch(string file, string name)
    {
        using var golden = new GoldenFile(file);
        double[] rates = golden.Values($"{name}/lr"), gradients = golden.Values($"{name}/grads"),
            want = golden.Values($"{name}/p_after");
        using var operands = new Operands(CpuForms.All[1]);
        View parameter = operands.Of(Floats(golden.Values($"{name}/p0")));
        View momentum = operands.Output(parameter.Count);
        for (int i = 0; i < rates.Length; i++)
        {
            var step = new SgdStep((float)rates[i], 0.9f, 1e-4f, FirstStep: i == 0);
            View gradient = operands.Of(Floats(Row(gradients, i, parameter)));
            operands.Device.Optimizers.Sgd(step, [new SgdSlot(parameter, gradient, momentum)]);
            Numbers.AssertClose(Row(want, i, parameter), operands.Floats(parameter), 1e-6, 1e-7);
        }
    }

    [Theory]
    [InlineData("sam/optimizers.safetensors", "adamw", 0, 0.1f)]
    [InlineData("sam/optimizers.safetensors", "adamw_zero_wd", 0, 0)]
    [InlineData("ssl/optim.safetensors", "adam", 0.02f, 0)]
    [InlineData("ssl/optim.safetensors", "adamw", 1e-3f, 0.1f)]
    public void AdamW_gives_the_parameters_of_PyTorch(string file, string name, float rate, float weightDecay)
    {
        using var golden = new GoldenFile(file);
        double[] gradients = golden.Values($"{name}/grads"), want = golden.Values($"{name}/p_after");
        using var operands = new Operands(CpuForms.All[1]);
        View parameter = operands.Of(Floats(golden.Values($"{name}/p0")));
        View first = operands.Of(new float[parameter.Count]), second = operands.Of(new float[parameter.Count]);
        for (int i = 0; i < gradients.Length / parameter.Count; i++)
        {
            float rateNow = golden.Has($"{name}/lr") ? (float)golden.Values($"{name}/lr")[i] : rate;
            var step = new AdamWStep(rateNow, 0.9f, 0.999f, 1e-8f, weightDecay, i + 1);
            View gradient = operands.Of(Floats(Row(gradients, i, parameter)));
            operands.Device.Optimizers.AdamW(step, [new AdamWSlot(parameter, gradient, first, second)]);
            Numbers.AssertClose(Row(want, i, parameter), operands.Floats(parameter), 1e-6, 1e-7);
        }
    }

    static double[] Row(double[] rows, int i, View parameter) =>
        rows.AsSpan(i * (int)parameter.Count, (int)parameter.Count).ToArray();

    static float[] Floats(double[] values) => Array.ConvertAll(values, value => (float)value);
}
