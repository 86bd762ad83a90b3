using System.Text.Json;
using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>Optimisers, moving averages and schedules against PyTorch.</summary>
public sealed class GoldenOptimizerTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public GoldenOptimizerTests() => _session = new Session(_device);

    public void Dispose() => _device.Dispose();

    public static TheoryData<string, string, float, bool> Runs => new()
    {
        { "sam/optimizers.safetensors", "sgd", 1e-4f, true },
        { "sam/optimizers.safetensors", "adamw", 0.1f, true },
        { "sam/optimizers.safetensors", "adamw_zero_wd", 0, true },
        { "ssl/optim.safetensors", "sgd", 1e-4f, true },
        { "ssl/optim.safetensors", "adam", 0, false },
        { "ssl/optim.safetensors", "adamw", 0.1f, false },
    };

    [Theory, MemberData(nameof(Runs))]
    public void Five_steps_give_the_same_parameters(string path, string kind, float weightDecay, bool ratesInFile)
    {
        using var file = new GoldenFile(path);
        var weights = new Weights(_session);
        Tensor parameter = weights.Parameter("p", file.Shape($"{kind}/p0"), Initialize.Constant(0));
        parameter.Set([.. file.Values($"{kind}/p0").Select(v => (float)v)]);
        double[] gradients = file.Values($"{kind}/grads"), after = file.Values($"{kind}/p_after");
        double[] rates = ratesInFile
            ? file.Values($"{kind}/lr")
            : [.. Enumerable.Repeat(kind == "adam" ? 0.02 : 1e-3, 5)];
        Optimizer optimizer = kind == "sgd"
            ? new Sgd(weights.Parameters, 0, momentum: 0.9f, weightDecay)
            : new AdamW(weights.Parameters, 0, weightDecay);
        int count = (int)parameter.Count;
        for (int step = 0; step < 5; step++)
        {
            optimizer.ClearGradients();
            parameter.Backward(_session.Tensor([.. gradients.Skip(step * count).Take(count).Select(v => (float)v)], parameter.Shape));
            optimizer.LearningRate = (float)rates[step];
            optimizer.Step();
            float[] got = parameter.ToArray();
            for (int i = 0; i < count; i++)
                Assert.Equal(after[step * count + i], got[i], 1e-6 * Math.Max(1, Math.Abs(after[step * count + i])));
        }
    }

    [Theory, InlineData(0), InlineData(500)]
    public void Six_moving_averages(int start)
    {
        using var file = new GoldenFile("ssl/optim.safetensors");
        Weights teacher = new(_session), student = new(_session);
        Tensor average = teacher.Parameter("p", [6], Initialize.Constant(0)), value = student.Parameter("p", [6], Initialize.Constant(0));
        average.Set([.. file.Values("ema/teacher0").Select(v => (float)v)]);
        var ema = new Ema(teacher, student);
        double[] students = file.Values("ema/student");
        for (int step = 0; step < 6; step++)
        {
            value.Set([.. students.Skip(6 * step).Take(6).Select(v => (float)v)]);
            ema.Update(Ema.WarmDecay(start + step));
        }
        double[] want = start == 0
            ? [.. file.Values("ema/teacher_after_step").Skip(30)]
            : file.Values("ema/teacher_after_6_steps_from_t500");
        float[] got = average.ToArray();
        for (int i = 0; i < 6; i++) Assert.Equal(want[i], got[i], 1e-6);
    }

    [Fact]
    public void Schedules_are_those_of_the_published_loops()
    {
        Check("lr_step_LA", new StepSchedule(0.01, 0.1, 2500));
        Check("lr_step_MagicNet_MACT", new StepSchedule(0.01, 0.1, 12000));
        Check("lr_poly_lagged", new LaggedSchedule(new PolySchedule(0.01, 6000)));
        Check("lr_poly_current", new PolySchedule(0.01, 70000));
        Check("consistency_weight_LA", new RampSchedule(0, 0.1, Every: 150, Length: 40));
        Check("consistency_weight_BraTS", new RampSchedule(0, 0.1, Every: 150, Length: 200));
        Check("consistency_weight_MagicNet_BTCV", new RampSchedule(0, 0.1, Every: 350, Length: 200));
        Check("consistency_weight_MagicNet_MACT", new RampSchedule(0, 0.2, Every: 300, Length: 40));
        Check("acmt_entropy_threshold", new RampSchedule(0.75, 0.95, Every: 1, Length: 6000));
        Check("acmt_mu_threshold", new RampSchedule(0.75 * Math.Log(2), 0.9 * Math.Log(2), Every: 1, Length: 6000));
        Check("uamt_threshold", new RampSchedule(0.75 * Math.Log(2), Math.Log(2), Every: 1, Length: 6000));
        Assert.Equal(1, new RampSchedule(0, 1, Every: 1, Length: 0).At(5));

        static void Check(string name, Schedule schedule)
        {
            using JsonDocument all = JsonDocument.Parse(File.ReadAllText(Golden.Path("ssl/schedules.json")));
            foreach (JsonElement pair in all.RootElement.GetProperty(name).GetProperty("values").EnumerateArray())
                Assert.Equal(pair[1].GetDouble(), schedule.At(pair[0].GetInt64()), 1e-12);
        }
    }

    [Fact]
    public void Warm_up_then_poly_is_the_rate_of_the_fine_tuning_steps()
    {
        using var file = new GoldenFile("sam/adamw_5steps.safetensors");
        var schedule = new LaggedSchedule(new WarmupSchedule(3, new PolySchedule(0.005, 20)));
        double[] want = file.Values("out/lr");
        for (int i = 0; i < want.Length; i++) Assert.Equal(want[i], schedule.At(i), 1e-12);
    }

    [Fact]
    public void Teacher_decay_is_that_of_mean_teacher()
    {
        using JsonDocument all = JsonDocument.Parse(File.ReadAllText(Golden.Path("ssl/schedules.json")));
        foreach (JsonElement pair in all.RootElement.GetProperty("ema_alpha").GetProperty("values").EnumerateArray())
            Assert.Equal(pair[1].GetDouble(), Ema.WarmDecay(pair[0].GetInt64()), 1e-6);
    }

    [Fact]
    public void A_cosine_runs_from_its_start_to_its_end()
    {
        var schedule = new CosineSchedule(0.1, 10, End: 0.02);
        Assert.Equal(0.1, schedule.At(0), 1e-15);
        Assert.Equal(0.06, schedule.At(5), 1e-15);
        Assert.Equal(0.02, schedule.At(10), 1e-15);
        Assert.Equal(0.02, schedule.At(99), 1e-15);
    }

    [Fact]
    public void Groups_have_their_own_decay_and_rate_and_frozen_parameters_stay()
    {
        var weights = new Weights(_session);
        Tensor a = weights.Parameter("a", [1], Initialize.Constant(1)), b = weights.Parameter("b", [1], Initialize.Constant(1));
        Tensor frozen = weights.Parameter("frozen", [1], Initialize.Constant(1));
        Assert.Equal(1, weights.Freeze("fro*"));
        var optimizer = new Sgd([
            new ParameterGroup([.. weights.Matching("a"), .. weights.Matching("frozen")], WeightDecay: 1),
            new ParameterGroup([.. weights.Matching("b")], LearningRateFactor: 10)], learningRate: 0.1f);
        (a * b * frozen).Sum().Backward();
        optimizer.Step();
        Assert.Equal(1 - 0.1f * 2, a.Item(), 1e-6f);
        Assert.Equal(0, b.Item(), 1e-6f);
        Assert.Equal(1, frozen.Item());
        Assert.Throws<ArgumentException>(() => new Sgd(
            [new ParameterGroup([.. weights.Parameters]), new ParameterGroup([.. weights.Matching("a")])], learningRate: 1));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_saved_optimiser_goes_on_bit_for_bit(bool adam)
    {
        float[] straight = Train(interrupted: false), resumed = Train(interrupted: true);
        Assert.Equal(straight, resumed);

        float[] Train(bool interrupted)
        {
            var weights = new Weights(_session, seed: 9);
            Tensor p = weights.Parameter("p", [5], Initialize.Normal(1));
            Optimizer optimizer = Create(weights);
            for (int step = 0; step < 6; step++)
            {
                if (interrupted && step == 3)
                {
                    Optimizer fresh = Create(weights);
                    foreach (var (name, tensor) in optimizer.State) fresh.Restore(name, tensor.ToArray());
                    if (optimizer is AdamW before) ((AdamW)fresh).RestoreSteps("p", before.Steps["p"]);
                    optimizer = fresh;
                }
                optimizer.ClearGradients();
                (p * p * p).Sum().Backward();
                optimizer.Step();
            }
            return p.ToArray();
        }

        Optimizer Create(Weights weights) =>
            adam ? new AdamW(weights.Parameters, 0.01f) : new Sgd(weights.Parameters, 0.01f, momentum: 0.9f);
    }
}
