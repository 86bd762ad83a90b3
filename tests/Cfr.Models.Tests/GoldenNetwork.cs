using Cfr.Kernels;
using Cfr.Pipeline.Parity;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Models.Tests;

/// <summary>A network with the weights of a reference file, and the file's input.</summary>
sealed class GoldenNetwork<TNetwork> : IDisposable where TNetwork : Segmenter
{
    readonly Device _device = Device.Open("cpu");

    public GoldenNetwork(string file, NetworkConfiguration configuration)
    {
        File = new GoldenFile($"ssl/{file}.safetensors");
        Session = new Session(_device);
        var weights = new Weights(Session);
        Network = Assert.IsType<TNetwork>(configuration.Create(weights));
        foreach (Weight weight in weights.All.Where(weight => File.Has($"w.{weight.Name}")))
            weight.SetAsInFile([.. File.Values($"w.{weight.Name}").Select(value => (float)value)]);
        if (!File.Names.Any(name => name.StartsWith("w."))) Generator.Fill(weights, ulong.Parse(File.Metadata["seed"]));
        Input = File.Tensor(Session, "x", GoldenLayout.ChannelsLast);
    }

    public GoldenFile File { get; }

    public Session Session { get; }

    public TNetwork Network { get; }

    public Tensor Input { get; }

    public Weights Weights => Network.Weights;

    public void Dispose()
    {
        File.Dispose();
        _device.Dispose();
    }

    /// <summary>Numbers of [N, D, H, W, C] in the order [N, C, D, H, W].</summary>
    public static float[] ChannelsFirst(Tensor y) => y.Permute(0, 4, 1, 2, 3).ToArray();

    /// <summary>Logits, the three losses and all gradients of one training step.</summary>
    public void AssertStep(string prefix, Tensor logits, int firstClass, double biasesBeforeNorm)
    {
        File.AssertClose($"{prefix}.logits", ChannelsFirst(logits), 1e-4);
        SegmentationLosses losses = logits.SegmentationLoss(
            File.Labels(Session, "label"), smoothing: 1e-5f, firstClass: firstClass);
        File.AssertClose($"{prefix}.loss_ce", [losses.CrossEntropy.Item()], 1e-5);
        File.AssertClose($"{prefix}.loss_dice", [losses.Dice.Item()], 1e-5);
        File.AssertClose($"{prefix}.loss", [losses.Total.Item()], 1e-5);
        if (!File.Names.Any(name => name.StartsWith($"{prefix}.gradsum."))) return;
        losses.Total.Backward();
        foreach (Weight weight in Weights.Parameters) AssertGradient(prefix, weight, biasesBeforeNorm);
    }

    /// <summary>Largest relative error 1e-3, and the sum and the L2 norm of all elements where only some are stored.</summary>
    void AssertGradient(string prefix, Weight weight, double biasesBeforeNorm)
    {
        float[] gradient = weight.AsInFile(weight.Tensor.Grad ?? throw new CheckException($"{weight.Name} has no gradient"));
        double absolute = weight.Name.EndsWith(".bias") ? biasesBeforeNorm : 0;
        bool sampled = File.Has($"{prefix}.grad_at.{weight.Name}");
        File.AssertClose(
            $"{prefix}.{(sampled ? "grad_at" : "grad")}.{weight.Name}", gradient, 1e-3, absolute,
            sampled ? $"{prefix}.grad_idx.{weight.Name}" : null);
        double[] want = File.Values($"{prefix}.gradsum.{weight.Name}.f64");
        double norm = Math.Sqrt(gradient.Sum(value => (double)value * value));
        double allowed = Math.Max(1e-3 * want[1], absolute * Math.Sqrt(gradient.Length));
        Assert.Equal(want[0], gradient.Sum(value => (double)value), allowed * Math.Sqrt(gradient.Length));
        Assert.Equal(want[1], norm, allowed);
        Assert.Equal(want[2], gradient.Max(value => Math.Abs((double)value)), Math.Max(1e-3 * want[2], absolute));
    }

    /// <summary>Some elements of a result, its sum and its sum of squares.</summary>
    public void AssertSampled(string name, Tensor y)
    {
        float[] values = ChannelsFirst(y);
        int[] shape = [y.Size(0), y.Size(4), y.Size(1), y.Size(2), y.Size(3)];
        Assert.Equal(File.Values($"{name}.shape").Select(size => (int)size), shape);
        File.AssertClose($"{name}.at", values, 1e-4, at: $"{name}.idx");
        double[] want = File.Values($"{name}.sum.f64");
        double squares = values.Sum(value => (double)value * value);
        Assert.Equal(want[0], values.Sum(value => (double)value), 1e-4 * Math.Sqrt(want[1] * values.Length));
        Assert.Equal(want[1], squares, 2e-4 * want[1]);
    }
}
