using Cfr.Kernels;
using Cfr.TestKit;

namespace Cfr.Tensors.Tests;

/// <summary>The building blocks of SAM's encoder and of LoRA, composed of ops, against the original programs.</summary>
public sealed class GoldenSamTests : IDisposable
{
    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public GoldenSamTests() => _session = new Session(_device);

    public void Dispose() => _device.Dispose();

    [Fact]
    public void Attention_with_relative_positions_and_all_its_gradients()
    {
        using var file = new GoldenFile("sam/attention.safetensors");
        Dictionary<string, Tensor> w = new[] { "qkv.weight", "qkv.bias", "proj.weight", "proj.bias", "rel_pos_h", "rel_pos_w" }
            .ToDictionary(name => name, name => file.Tensor(_session, $"w/{name}").WithGrad());
        Tensor x = file.Tensor(_session, "in/x").WithGrad();
        Tensor y = x.Linear(w["qkv.weight"], w["qkv.bias"]).SelfAttention(heads: 3, w["rel_pos_h"], w["rel_pos_w"])
            .Linear(w["proj.weight"], w["proj.bias"]);
        file.AssertEqual("out/y", y, 2e-6);
        y.Backward(file.Tensor(_session, "in/upstream"));
        file.AssertEqual("grad_in/x", x.Grad, 5e-6);
        foreach (var (name, tensor) in w) file.AssertEqual($"grad/{name}", tensor.Grad, 5e-6);
    }

    /// <summary>
    /// The golden file has logits, the op only the softmax of logits: with v = 1 the op returns that softmax. Given
    /// logits A come in as extra components of q (one-hot rows) and k (columns of A, times what the op divides by).
    /// </summary>
    [Theory]
    [InlineData("same"), InlineData("nonsq"), InlineData("interp_down"), InlineData("interp_up"), InlineData("interp_mixed")]
    public void Relative_positions_added_to_given_logits(string name)
    {
        using var file = new GoldenFile("sam/relpos.safetensors");
        int[] grid = [.. file.Values($"{name}/q_size").Select(v => (int)v)];
        int heads = 3, length = grid[0] * grid[1], width = 5, wide = width + length;
        double[] q = file.Values($"{name}/q"), logits = file.Values($"{name}/attn"), want = file.Values($"{name}/out");
        float[] qkv = new float[length * 3 * heads * wide];
        for (int h = 0; h < heads; h++)
            for (int i = 0; i < length; i++)
            {
                Span<float> row = qkv.AsSpan(i * 3 * heads * wide);
                for (int c = 0; c < width; c++) row[h * wide + c] = (float)q[(h * length + i) * width + c];
                row[h * wide + width + i] = 1;
                for (int j = 0; j < length; j++)
                    row[(heads + h) * wide + width + j] = (float)(logits[(h * length + j) * length + i] * Math.Sqrt(wide));
                row[(2 * heads + h) * wide + i] = 1;
            }
        Tensor y = _session.Tensor(qkv, [1, grid[0], grid[1], 3 * heads * wide])
            .SelfAttention(heads, Table("rel_pos_h", grid[0]), Table("rel_pos_w", grid[1]));
        float[] got = y.ToArray();
        for (int h = 0; h < heads; h++)
            for (int i = 0; i < length; i++)
            {
                double[] row = [.. want.Skip((h * length + i) * length).Take(length).Select(Math.Exp)];
                for (int j = 0; j < length; j++)
                    Assert.Equal(row[j] / row.Sum(), got[(i * heads + h) * wide + j], 2e-6);
            }

        // A table of another length is resampled along its rows, as one image of one column.
        Tensor Table(string part, int size)
        {
            Tensor table = file.Tensor(_session, $"{name}/{part}");
            int rows = table.Size(0);
            if (rows != 2 * size - 1)
                table = table.Reshape(1, rows, 1, width).Resize([2 * size - 1, 1]).Reshape(2 * size - 1, width);
            return table.Pad([(0, 0), (0, length)]);
        }
    }

    [Theory, InlineData("r2"), InlineData("r4")]
    public void Lora_on_the_q_and_v_thirds_of_qkv(string rank)
    {
        using var file = new GoldenFile("sam/lora_qkv.safetensors");
        Tensor Weight(string name) => file.Tensor(_session, $"{rank}/w/{name}");
        Tensor x = file.Tensor(_session, $"{rank}/in/x").WithGrad();
        Tensor aq = Weight("linear_a_q.weight").WithGrad(), bq = Weight("linear_b_q.weight").WithGrad();
        Tensor av = Weight("linear_a_v.weight").WithGrad(), bv = Weight("linear_b_v.weight").WithGrad();
        Tensor flat = x.Reshape(-1, x.Size(^1));
        Tensor qkv = flat.Linear(Weight("qkv.weight"), Weight("qkv.bias"));
        file.AssertEqual($"{rank}/out/base_qkv", qkv.Reshape(file.Shape($"{rank}/out/base_qkv")), 1e-6);
        Tensor q = flat.Linear(aq).Linear(bq), v = flat.Linear(av).Linear(bv);
        Tensor y = (qkv + q.Concat(axis: 1, _session.Zeros(q.Shape), v)).Reshape(file.Shape($"{rank}/out/qkv"));
        file.AssertEqual($"{rank}/out/qkv", y, 1e-6);
        y.Backward(file.Tensor(_session, $"{rank}/in/upstream"));
        file.AssertEqual($"{rank}/grad_in/x", x.Grad, 1e-6);
        file.AssertEqual($"{rank}/grad/linear_a_q.weight", aq.Grad, 1e-6);
        file.AssertEqual($"{rank}/grad/linear_b_q.weight", bq.Grad, 1e-6);
        file.AssertEqual($"{rank}/grad/linear_a_v.weight", av.Grad, 1e-6);
        file.AssertEqual($"{rank}/grad/linear_b_v.weight", bv.Grad, 1e-6);
    }

    [Theory, InlineData("a"), InlineData("b"), InlineData("c")]
    public void Images_are_cut_into_windows_and_put_together_again(string name)
    {
        using var file = new GoldenFile("sam/window.safetensors");
        int window = (int)file.Values($"{name}/window_size")[0];
        Tensor x = file.Tensor(_session, $"{name}/x"), windows = x.WindowPartition(window);
        file.AssertEqual($"{name}/windows", windows, 0);
        Assert.Equal(x.ToArray(), windows.WindowUnpartition(x.Size(1), x.Size(2)).ToArray());
        Tensor back = file.Tensor(_session, $"{name}/unpart_in").WindowUnpartition(x.Size(1), x.Size(2));
        file.AssertEqual($"{name}/unpart_out", back, 0);
    }

    [Fact]
    public void Windows_that_fit_no_image_are_named()
    {
        Tensor windows = _session.Zeros([5, 3, 3, 2]);
        Assert.Equal(
            "WindowUnpartition: x has shape [5, 3, 3, 2], expected square windows of images of 6 x 6, 4 for each",
            Assert.Throws<ArgumentException>(() => windows.WindowUnpartition(6, 6)).Message);
        Assert.Throws<ArgumentException>(() => _session.Zeros([4, 3, 2, 2]).WindowUnpartition(6, 6));
        Assert.Throws<ArgumentException>(() => windows.WindowUnpartition(0, 6));
        Assert.Throws<ArgumentException>(() => windows.WindowPartition(0));
    }

    public static TheoryData<string, Interpolation, bool> Resizings => new()
    {
        { "bilinear/down", Interpolation.Linear, false }, { "bilinear/down_half", Interpolation.Linear, false },
        { "bilinear/mixed", Interpolation.Linear, false }, { "bilinear/same", Interpolation.Linear, false },
        { "bilinear/up_frac", Interpolation.Linear, false }, { "bilinear/up_x4", Interpolation.Linear, false },
        { "bilinear_align_corners", Interpolation.Linear, true },
        { "nearest/down", Interpolation.Nearest, false }, { "nearest/up", Interpolation.Nearest, false },
    };

    [Theory, MemberData(nameof(Resizings))]
    public void Images_are_resized_as_PyTorch_does(string name, Interpolation interpolation, bool alignCorners)
    {
        using var file = new GoldenFile("sam/resize.safetensors");
        Tensor x = file.Tensor(_session, $"{name}/x", GoldenLayout.ChannelsLast).WithGrad();
        int[] size = [.. file.Shape($"{name}/y").Skip(2)];
        Tensor y = x.Resize(size, interpolation, alignCorners);
        file.AssertEqual($"{name}/y", y, interpolation == Interpolation.Nearest ? 0 : 1e-6, GoldenLayout.ChannelsLast);
        if (!file.Has($"{name}/upstream")) return;
        y.Backward(file.Tensor(_session, $"{name}/upstream", GoldenLayout.ChannelsLast));
        file.AssertEqual($"{name}/grad_x", x.Grad, 1e-6, GoldenLayout.ChannelsLast);
    }

    [Theory, InlineData(15), InlineData(5)]
    public void Rows_are_resized_along_one_axis(int length)
    {
        using var file = new GoldenFile("sam/resize.safetensors");
        Tensor x = file.Tensor(_session, "linear1d/x", GoldenLayout.ChannelsLast);
        Tensor y = x.Reshape(1, 9, 1, 4).Resize([length, 1]).Reshape(1, length, 4);
        file.AssertEqual($"linear1d/y{length}", y, 1e-6, GoldenLayout.ChannelsLast);
    }
}
