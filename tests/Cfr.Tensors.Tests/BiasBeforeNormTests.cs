using Cfr.Kernels;
using Cfr.Kernels.Cpu;
using Cfr.Kernels.Profiling;

namespace Cfr.Tensors.Tests;

/// <summary>Biases of convolutions: the gradient of one before a norm is zero, and nothing is summed for it.</summary>
public sealed class BiasBeforeNormTests : IDisposable
{
    readonly CpuDevice _cpu = new(1);

    public void Dispose() => _cpu.Dispose();

    public static TheoryData<string> Norms => ["batch", "instance", "of two", "of transposed", "of depthwise", "checkpointed"];

    [Theory, MemberData(nameof(Norms))]
    public void It_is_zero_before_statistics_of_each_channel(string norm)
    {
        (float[] gradient, long sums) = Run(norm);
        Assert.All(gradient, value => Assert.Equal(0, value));
        Assert.Equal(0, sums);
    }

    [Theory, InlineData("groups"), InlineData("evaluation"), InlineData("read twice"), InlineData("overwritten")]
    public void It_is_summed_where_it_is_not_known_to_be_zero(string norm)
    {
        (float[] gradient, long sums) = Run(norm);
        Assert.Contains(gradient, value => Math.Abs(value) > 1e-3f);
        Assert.Equal(1, sums);
    }

    [Fact]
    public void The_zeros_cannot_be_overwritten()
    {
        var session = new Session(_cpu, seed: 1);
        Tensor x = session.Normal([2, 3, 3, 3, 2]), weight = session.Normal([1, 1, 1, 2, 4]);
        Tensor bias = session.Normal([4]).WithGrad();
        x.Conv3d(weight, bias).BatchNormTraining(null, null).Sum().Backward();
        Assert.Contains("constant", Assert.Throws<InvalidOperationException>(() => bias.Grad!.Fill(1)).Message);
        Assert.Equal(new float[4], bias.Grad!.ToArray());
        bias.ClearGrad();
        Assert.Null(bias.Grad);
    }

    [Fact]
    public void Zeros_are_added_to_what_is_there_and_others_to_zeros()
    {
        var session = new Session(_cpu, seed: 1);
        Tensor x = session.Normal([2, 3, 3, 3, 2]), weight = session.Normal([1, 1, 1, 2, 4]);
        Tensor bias = session.Normal([4]).WithGrad();
        for (int pass = 0; pass < 3; pass++)
        {
            Tensor y = x.Conv3d(weight, bias);
            if (pass != 1) y = y.BatchNormTraining(null, null);
            y.Backward(session.Full(y.Shape, 1));
            Assert.All(bias.Grad!.ToArray(), value => Assert.Equal(pass == 0 ? 0 : 54, value));
        }
        bias.ClearGrad();
        x.Conv3d(weight, bias).BatchNormTraining(null, null).Backward(session.Normal([2, 3, 3, 3, 4]));
        Assert.All(bias.Grad!.ToArray(), value => Assert.Equal(0, value));
    }

    /// <summary>The gradient of the bias of a convolution before such a norm, and the sums that the backward pass took.</summary>
    (float[] Gradient, long Sums) Run(string norm)
    {
        var profiler = new Profiler();
        using var device = new ProfiledDevice(new CpuDevice(1), profiler);
        var session = new Session(device, seed: 4);
        Tensor x = session.Normal([2, 5, 6, 7, 4]).WithGrad(), bias = session.Normal([4]).WithGrad();
        Tensor weight = session.Normal([3, 3, 3, 4, 4]).WithGrad();
        Tensor Convolved(Tensor input) => norm switch
        {
            "of transposed" => input.ConvTranspose3d(weight, bias, padding: 1),
            "of depthwise" => input.DepthwiseConv3d(session.Normal([3, 3, 3, 1, 4]), bias),
            "of two" => input.Conv3d(weight, bias, padding: 1) + input.Conv3d(weight, padding: 1),
            _ => input.Conv3d(weight, bias, padding: 1),
        };
        Tensor y = norm == "checkpointed" ? x.Checkpoint(Convolved) : Convolved(x);
        Tensor z = norm switch
        {
            "instance" => y.InstanceNorm(activation: Activation.Gelu),
            "groups" => y.GroupNorm(2),
            "evaluation" => y.BatchNormEvaluation(null, null, session.Zeros([4]), session.Full([4], 2)),
            "read twice" => y.BatchNormTraining(null, null) + y,
            _ => y.BatchNormTraining(null, null, activation: Activation.Relu),
        };
        Tensor gradient = session.Normal(z.Shape);
        if (norm == "overwritten")
        {
            Tensor leaf = y.Detach().WithGrad();
            leaf.BatchNormTraining(null, null).Backward(gradient);
            leaf.Grad!.Fill(2);
            (z, gradient) = (y, leaf.Grad);
        }
        profiler.Forget();
        z.Backward(gradient);
        return (bias.Grad!.ToArray(), profiler.Rows(bySizes: false).Where(row => row.Name == "sum").Sum(row => row.Calls));
    }
}
