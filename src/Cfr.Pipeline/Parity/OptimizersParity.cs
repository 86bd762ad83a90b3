using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kinds <c>ssl-optimizers</c> and <c>sam-optimizers</c>: steps of SGD (momentum 0.9, decay 1e-4), Adam (rate 0.02) and
/// AdamW (rate 1e-3, decay 0.1) from <c>p0</c> along given <c>grads</c>, rates in <c>lr</c> where they change; moving
/// averages <c>ema/</c> of given students, from iteration 0 and from 500.
/// </summary>
static class OptimizersParity
{
    const double Tolerance = 1e-6;

    public static void Run(ParityRun run)
    {
        Steps(run, "sgd", weights => new Sgd(weights.Parameters, 0.01f, momentum: 0.9f, weightDecay: 1e-4f));
        Steps(run, "adam", weights => new AdamW(weights.Parameters, 0.02f, weightDecay: 0));
        Steps(run, "adamw", weights => new AdamW(weights.Parameters, 1e-3f, weightDecay: 0.1f));
        Steps(run, "adamw_zero_wd", weights => new AdamW(weights.Parameters, 1e-3f, weightDecay: 0));
        if (!run.File.Has("ema/student")) return;
        Averages(run, start: 0, "ema/teacher_after_step", all: true);
        Averages(run, start: 500, "ema/teacher_after_6_steps_from_t500", all: false);
    }

    static void Steps(ParityRun run, string name, Func<Weights, Optimizer> create)
    {
        ReferenceFile file = run.File;
        if (!file.Has($"{name}/p0")) return;
        var weights = new Weights(run.Session, seed: 0);
        Tensor parameter = weights.Parameter("p", file.Shape($"{name}/p0"), Initialize.Constant(0));
        parameter.Set(file.Floats($"{name}/p0"));
        Optimizer optimizer = create(weights);
        float[] gradients = file.Floats($"{name}/grads"), rates = file.Has($"{name}/lr") ? file.Floats($"{name}/lr") : [];
        int count = (int)parameter.Count;
        var after = new List<float>();
        var momenta = new List<float>();
        for (int step = 0; step < gradients.Length / count; step++)
        {
            optimizer.ClearGradients();
            parameter.Backward(run.Session.Tensor(gradients.AsSpan(step * count, count), parameter.Shape));
            if (step < rates.Length) optimizer.LearningRate = rates[step];
            optimizer.Step();
            after.AddRange(parameter.ToArray());
            if (optimizer is Sgd) momenta.AddRange(optimizer.State["momentum_buffer.p"].ToArray());
        }
        run.Output($"{name}/p_after", [.. after], Tolerance);
        run.Output($"{name}/momentum_buffer_after", [.. momenta], Tolerance);
    }

    static void Averages(ParityRun run, int start, string name, bool all)
    {
        ReferenceFile file = run.File;
        if (!file.Has(name)) return;
        Weights teacher = new(run.Session, seed: 0), student = new(run.Session, seed: 0);
        Shape shape = file.Shape("ema/teacher0");
        Tensor average = teacher.Parameter("p", shape, Initialize.Constant(0));
        Tensor value = student.Parameter("p", shape, Initialize.Constant(0));
        average.Set(file.Floats("ema/teacher0"));
        var ema = new Ema(teacher, student);
        float[] students = file.Floats("ema/student");
        var after = new List<float>();
        int count = (int)shape.Count, steps = students.Length / count;
        for (int step = 0; step < steps; step++)
        {
            value.Set(students.AsSpan(step * count, count));
            ema.Update(Ema.WarmDecay(start + step));
            if (all || step == steps - 1) after.AddRange(average.ToArray());
        }
        run.Output(name, [.. after], Tolerance);
    }
}
