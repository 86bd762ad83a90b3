using System.CommandLine;
using System.Diagnostics;
using Cfr.Cli.Demo;
using Cfr.Kernels;
using Cfr.Tensors;
using Spectre.Console;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr demo</c>: trains a small network on generated shapes and shows what it has learnt.</summary>
static class DemoCommand
{
    const int BatchSize = 8, TestImages = 32;
    const float LearningRate = 3e-3f;

    public static Command Create()
    {
        var steps = new Option<int>("--steps") { Description = "Training steps.", DefaultValueFactory = _ => 200 };
        var seed = new Option<ulong>("--seed") { Description = "Seed of everything.", DefaultValueFactory = _ => 1337 };
        steps.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && value < 1)
                result.AddError($"--steps is {value}; expected at least 1");
        });
        var command = new Command("demo", "Trains a small network on generated shapes and shows what it has learnt.")
        {
            steps, seed,
        };
        command.SetAction(arguments => Run(arguments.GetValue(steps), arguments.GetValue(seed)));
        return command;
    }

    static int Run(int steps, ulong seed)
    {
        using var device = Device.Open("cpu");
        var session = new Session(device, seed);
        var weights = new Weights(session);
        var network = new ShapeNet(weights, ShapeTask.Classes);
        var task = new ShapeTask(seed);
        var schedule = new PolySchedule(LearningRate, steps);
        var optimizer = new AdamW(weights.Parameters, LearningRate);

        AnsiConsole.WriteLine($"Device: cpu ({device.Description})");
        AnsiConsole.WriteLine(
            $"Task: tell discs, squares and triangles apart in noisy {ShapeTask.Side} x {ShapeTask.Side} images");
        long parameters = weights.Parameters.Sum(weight => weight.Tensor.Count);
        AnsiConsole.WriteLine($"Network: {parameters:N0} parameters; {steps} steps of {BatchSize} images, seed {seed}");
        AnsiConsole.WriteLine();

        var clock = Stopwatch.StartNew();
        for (int i = 0; i < steps; i++)
        {
            optimizer.LearningRate = (float)schedule.At(i);
            float loss = Train(session, network, optimizer, task);
            if (i == 0 || (i + 1) % Math.Max(1, steps / 10) == 0)
                AnsiConsole.WriteLine($"step {i + 1,4}   loss {loss:F4}   {clock.Elapsed.TotalSeconds,5:F1} s");
        }
        AnsiConsole.WriteLine();
        Report(session, weights, network, task);
        return 0;
    }

    static float Train(Session session, ShapeNet network, AdamW optimizer, ShapeTask task)
    {
        using Scope step = session.Step();
        var (images, labels) = task.Draw(session, BatchSize);
        Tensor loss = network.Forward(images).SegmentationLoss(labels).Total;
        loss.Backward();
        optimizer.Step();
        optimizer.ClearGradients();
        return loss.Item();
    }

    static void Report(Session session, Weights weights, ShapeNet network, ShapeTask task)
    {
        weights.Training = false;
        using Scope step = session.Step();
        using var inference = session.NoGrad();
        var (images, labels) = task.Draw(session, TestImages);
        int[] truth = labels.ToIntArray(), guess = network.Forward(images).ArgMax(^1).ToIntArray();

        var table = new Table().Border(TableBorder.Rounded).AddColumns("class", $"Dice on {TestImages} new images");
        for (int c = 1; c < ShapeTask.Classes; c++)
            table.AddRow(ShapeTask.Names[c], $"{Dice(truth, guess, c):F3}");
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine();
        Range shown = ShapeTask.PixelsOf(ShapeTask.Richest(truth));
        AnsiConsole.WriteLine("One of them: what is there (left) and what the network says (right).");
        AnsiConsole.WriteLine(ShapeTask.Draw(truth.AsSpan(shown), guess.AsSpan(shown)));
    }

    /// <summary>2 |A and B| / (|A| + |B|); 1 where neither has any.</summary>
    static double Dice(int[] truth, int[] guess, int value)
    {
        long both = 0, either = 0;
        for (int i = 0; i < truth.Length; i++)
        {
            if (truth[i] == value && guess[i] == value) both++;
            either += (truth[i] == value ? 1 : 0) + (guess[i] == value ? 1 : 0);
        }
        return either == 0 ? 1 : 2.0 * both / either;
    }
}
