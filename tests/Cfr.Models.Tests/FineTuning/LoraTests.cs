using Cfr.Kernels;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Models.Tests.FineTuning;

public sealed class LoraTests : IDisposable
{
    static readonly LoraPart[] QueryAndValue = [new("q", 0, 3), new("v", 2, 3)];

    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public LoraTests() => _session = new Session(_device, seed: 1);

    public void Dispose() => _device.Dispose();

    [Theory, InlineData("r2"), InlineData("r4")]
    public void Q_and_v_of_a_projection_are_adapted_as_in_the_original(string name)
    {
        using var file = new GoldenFile("sam/lora_qkv.safetensors");
        Shape shape = file.Shape($"{name}/w/qkv.weight");
        var weights = new Weights(_session);
        var qkv = new Linear(weights / "qkv", shape[1], shape[0]);
        Lora lora = Lora.Attach(weights, "qkv", QueryAndValue, file.Shape($"{name}/w/linear_a_q.weight")[0]);
        foreach (Weight weight in weights.All) weight.Tensor.Set([.. file.Values($"{name}/w/{InFile(weight)}").Select(v => (float)v)]);

        Tensor x = file.Tensor(_session, $"{name}/in/x").WithGrad(), y = qkv.Forward(x);
        file.AssertEqual($"{name}/out/qkv", y, 1e-6);
        y.Backward(file.Tensor(_session, $"{name}/in/upstream"));
        file.AssertEqual($"{name}/grad_in/x", x.Grad, 1e-6);
        Assert.Equal(
            ["qkv.linear_a_q.weight", "qkv.linear_b_q.weight", "qkv.linear_a_v.weight", "qkv.linear_b_v.weight"],
            lora.Parameters.Select(weight => weight.Name));
        foreach (Weight weight in lora.Parameters) file.AssertEqual($"{name}/grad/{InFile(weight)}", weight.Tensor.Grad, 1e-6);
        Assert.False(weights["qkv.weight"].RequiresGrad || weights["qkv.bias"].RequiresGrad);

        lora.Merge();
        file.AssertEqual($"{name}/out/merged_weight", weights["qkv.weight"], 1e-6);
        file.AssertEqual($"{name}/out/qkv", qkv.Forward(x.Detach()), 1e-5);

        static string InFile(Weight weight) => weight.Name.Replace("qkv.linear", "linear");
    }

    [Fact]
    public void A_begins_uniform_and_B_with_zero_so_that_nothing_changes()
    {
        var weights = new Weights(_session, seed: 3);
        var layer = new Linear(weights / "layer", 400, 90);
        Tensor x = _session.Uniform([7, 400]);
        float[] before = layer.Forward(x).ToArray();
        Lora lora = Lora.Attach(weights, "layer", QueryAndValue, rank: 8);
        Assert.Equal(before, layer.Forward(x).ToArray());
        foreach (Weight weight in lora.Parameters)
        {
            float[] values = weight.Tensor.ToArray();
            bool isA = weight.Name.Contains("linear_a");
            Assert.Equal(isA ? Shape.Of([8, 400]) : Shape.Of([30, 8]), weight.Tensor.Shape);
            Assert.All(values, value => Assert.InRange(value, isA ? -0.05f : 0, isA ? 0.05f : 0));
            if (isA) Assert.Equal(0.05 / Math.Sqrt(3), Math.Sqrt(values.Average(value => value * value)), 1e-3);
        }
    }

    [Theory, InlineData(Activation.None), InlineData(Activation.Relu), InlineData(Activation.Gelu)]
    public void The_change_comes_before_activation_and_residual(Activation activation)
    {
        var weights = new Weights(_session);
        var layer = new Linear(weights / "layer", 5, 6, activation: activation);
        Lora lora = Lora.Attach(weights, "layer", [new("all", 0, 1)], rank: 2);
        Randomize(lora);
        Tensor x = _session.Uniform([3, 5], -1, 1), residual = _session.Uniform([3, 6]);
        float[] adapted = layer.Forward(x, residual).ToArray();
        lora.Merge();
        AssertClose(layer.Forward(x, residual).ToArray(), adapted, 1e-6);
    }

    [Fact]
    public void Merged_layers_give_the_same_and_unmerging_restores_every_bit()
    {
        var weights = new Weights(_session);
        var layer = new Linear(weights / "layer", 96, 288);
        Lora lora = Lora.Attach(weights, "*", QueryAndValue, rank: 4);
        Randomize(lora);
        Tensor x = _session.Uniform([50, 96], -1, 1);
        float[] adapted = layer.Forward(x).ToArray(), w = weights["layer.weight"].ToArray();
        lora.Merge();
        Assert.True(lora.IsMerged);
        AssertClose(layer.Forward(x).ToArray(), adapted, 1e-5);
        float[] merged = weights["layer.weight"].ToArray();
        Assert.Equal(w[(96 * 96)..(2 * 96 * 96)], merged[(96 * 96)..(2 * 96 * 96)]);
        Assert.NotEqual(w, merged);
        Assert.Throws<InvalidOperationException>(lora.Merge);

        lora.Unmerge();
        Assert.Equal(w, weights["layer.weight"].ToArray());
        Assert.Equal(adapted, layer.Forward(x).ToArray());
        Assert.Throws<InvalidOperationException>(lora.Unmerge);
    }

    [Fact]
    public void Only_layers_that_fit_are_adapted()
    {
        var weights = new Weights(_session);
        _ = new Linear(weights / "blocks" / 0 / "qkv", 6, 18);
        _ = new Linear(weights / "blocks" / 0 / "proj", 6, 6);
        _ = new Linear(weights / "blocks" / 1 / "qkv", 6, 18);
        Lora lora = Lora.Attach(weights / "blocks" / 1, "blocks.*.qkv", QueryAndValue, rank: 1);
        Assert.All(lora.Parameters, weight => Assert.StartsWith("blocks.1.qkv.linear_", weight.Name));
        Assert.True(weights["blocks.0.qkv.weight"].RequiresGrad);
        Assert.Equal(4, Lora.Attach(weights, "blocks.0.qkv", QueryAndValue, rank: 1).Parameters.Count);
    }

    [Fact]
    public void What_cannot_be_adapted_is_named_and_left_as_it_was()
    {
        var weights = new Weights(_session);
        _ = new Linear(weights / "narrow", 6, 18);
        _ = new Linear(weights / "odd", 6, 20);
        Refused("*.qkv", rank: 1, "LoRA: no linear layer fits '*.qkv'");
        Refused("*", rank: 1, "LoRA: 'odd' has 20 outputs; there is no run 'q' number 0 of 3");
        Refused("narrow", rank: 7, "LoRA: rank 7 for 'narrow'; expected 1 to 6");
        Refused("narrow", rank: 0, "LoRA: rank 0 for 'narrow'; expected 1 to 6");
        Assert.Equal(4, weights.All.Count());
        Assert.All(weights.Parameters, weight => Assert.True(weight.Tensor.RequiresGrad));
        Lora.Attach(weights, "narrow", QueryAndValue, rank: 1);
        Refused("narrow", rank: 1, "LoRA: 'narrow' has an adaptation already");

        void Refused(string pattern, int rank, string message) => Assert.Equal(
            message, Assert.Throws<ArgumentException>(() => Lora.Attach(weights, pattern, QueryAndValue, rank)).Message);
    }

    void Randomize(Lora lora)
    {
        foreach (Weight weight in lora.Parameters) weight.Tensor.Set(_session.Uniform(weight.Tensor.Shape, -0.5f, 0.5f).ToArray());
    }

    static void AssertClose(float[] got, float[] want, double tolerance)
    {
        double error = got.Zip(want, (a, b) => Math.Abs((double)a - b)).Max();
        Assert.InRange(error / want.Max(Math.Abs), 0, tolerance);
    }
}
