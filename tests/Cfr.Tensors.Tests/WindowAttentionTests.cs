using Cfr.Kernels;

namespace Cfr.Tensors.Tests;

/// <summary>Attention in windows against windows that are cut out, filled up with zeros and put together again.</summary>
public sealed class WindowAttentionTests : IDisposable
{
    const int Heads = 2, Width = 6;

    readonly Device _device = Device.Open("cpu");
    readonly Session _session;

    public WindowAttentionTests() => _session = new Session(_device, seed: 3);

    public void Dispose() => _device.Dispose();

    [Theory, InlineData(2, 5, 7, 3), InlineData(1, 4, 6, 2), InlineData(2, 2, 3, 5)]
    public void Results_and_gradients_are_those_of_zeros_before_the_layer_of_qkv(
        int batch, int height, int width, int window)
    {
        Tensor upstream = _session.Uniform([batch, height, width, Width], -1, 1);
        Tensor[] leaves =
        [
            _session.Uniform([batch, height, width, Width], -1, 1), _session.Uniform([3 * Width, Width], -1, 1),
            _session.Uniform([3 * Width], -1, 1), _session.Uniform([2 * window - 1, Width / Heads], -1, 1),
            _session.Uniform([2 * window - 1, Width / Heads], -1, 1),
        ];
        float[][] want = Run(x => x[0].WindowPartition(window).Linear(x[1], x[2]).SelfAttention(Heads, x[3], x[4])
            .WindowUnpartition(height, width));
        float[][] got = Run(x => x[0].Linear(x[1], x[2]).SelfAttention(Heads, x[3], x[4], window, outside: x[2]));
        for (int i = 0; i < want.Length; i++)
        {
            float error = want[i].Zip(got[i]).Max(pair => Math.Abs(pair.First - pair.Second));
            Assert.InRange(error, 0, 1e-5f * want[i].Max(Math.Abs));
        }

        // The result, then the gradients of all leaves.
        float[][] Run(Func<Tensor[], Tensor> forward)
        {
            Tensor[] x = [.. leaves.Select(leaf => leaf.Detach().WithGrad())];
            Tensor y = forward(x);
            y.Backward(upstream);
            return [y.ToArray(), .. x.Select(leaf => leaf.Grad!.ToArray())];
        }
    }

    [Fact]
    public void What_does_not_fit_is_named()
    {
        Tensor qkv = _session.Zeros([1, 4, 4, 12]), tokens = _session.Zeros([1, 16, 12]);
        Assert.Equal(
            "SelfAttention: qkv has shape [1, 16, 12], expected [N, H, W, 3 E], to be cut into windows",
            Assert.Throws<ArgumentException>(() => tokens.SelfAttention(2, window: 3)).Message);
        Assert.Equal(
            "SelfAttention: a window of -1 x -1 tokens; expected at least 1 x 1",
            Assert.Throws<ArgumentException>(() => qkv.SelfAttention(2, window: -1)).Message);
        Assert.Equal(
            "SelfAttention: outside has shape [4], expected [12]",
            Assert.Throws<ArgumentException>(() => qkv.SelfAttention(2, window: 3, outside: _session.Zeros([4]))).Message);
        Tensor table = _session.Zeros([7, 2]);
        Assert.Equal(
            "SelfAttention: height has shape [7, 2], expected [5, 2]",
            Assert.Throws<ArgumentException>(() => qkv.SelfAttention(2, table, table, window: 3)).Message);
    }
}
