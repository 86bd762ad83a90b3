using Cfr.Kernels;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Models.Tests.Sam;

/// <summary>SAM's image encoder against the original program.</summary>
public sealed class ImageEncoderTests : IDisposable
{
    const double Output = 1e-5, OfGradient = 3e-5;

    readonly Device _device = Device.Open("cpu");
    readonly GoldenFile _file = new("sam/encoder_tiny.safetensors");

    public void Dispose()
    {
        _file.Dispose();
        _device.Dispose();
    }

    [Fact]
    public void Every_stage_gives_the_original_tokens()
    {
        ImageEncoder encoder = Open();
        using var inference = encoder.Weights.Session.NoGrad();
        Tensor x = encoder.Tokens(Image(encoder));
        _file.AssertEqual("mid/patch_embed", x - encoder.Weights["pos_embed"], Output);
        for (int i = 0; i < encoder.Blocks.Count; i++)
        {
            EncoderBlock block = encoder.Blocks[i];
            Tensor attended = block.Attend(x), y = block.Widen(attended);
            if (_file.Has($"mid/block{i}.attn")) AssertAttention($"mid/block{i}.attn", attended - x);
            if (_file.Has($"mid/block{i}.mlp")) _file.AssertEqual($"mid/block{i}.mlp", y - attended, Output);
            _file.AssertEqual($"mid/block{i}", y, Output);
            x = y;
        }
        for (int i = 0; i < encoder.Neck.Count; i++)
        {
            x = encoder.Neck[i].Forward(x);
            _file.AssertEqual($"mid/neck{i}", x, Output, GoldenLayout.ChannelsLast);
        }
        _file.AssertEqual("out/embedding", encoder.Forward(Image(encoder)), Output, GoldenLayout.ChannelsLast);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void All_weights_get_the_original_gradients(bool checkpointing)
    {
        ImageEncoder encoder = Open();
        encoder.Checkpointing = checkpointing;
        encoder.Forward(Image(encoder)).Backward(Upstream(encoder));
        foreach (Weight weight in encoder.Weights.Parameters)
            _file.AssertEqual(
                $"grad/{weight.Name}", weight.Tensor.Grad, OfGradient,
                weight.Layout == FileLayout.Kernel ? GoldenLayout.Kernel : GoldenLayout.Same);
        Assert.Equal(_file.Names.Count(name => name.StartsWith("grad/")), encoder.Weights.Parameters.Count());
    }

    [Fact]
    public void Checkpointed_blocks_give_the_same_bits_and_hold_less_for_the_backward_pass()
    {
        (float[][] plain, long held) = Gradients(checkpointing: false);
        (float[][] again, long heldAgain) = Gradients(checkpointing: true);
        Assert.Equal(plain.Length, again.Length);
        foreach (var (a, b) in plain.Zip(again)) Assert.Equal(a, b);
        Assert.True(heldAgain < held / 3, $"{heldAgain} of {held} bytes");
    }

    [Fact]
    public void A_frozen_encoder_costs_no_gradients_and_keeps_nothing()
    {
        ImageEncoder encoder = Open();
        encoder.Checkpointing = true;
        encoder.Weights.Freeze("*");
        Assert.False(encoder.Forward(Image(encoder)).RequiresGrad);
        encoder.Weights.Unfreeze("neck.*");
        encoder.Forward(Image(encoder)).Backward(Upstream(encoder));
        foreach (Weight weight in encoder.Weights.Parameters.Where(weight => weight.Name.StartsWith("neck.")))
            _file.AssertEqual(
                $"grad/{weight.Name}", weight.Tensor.Grad, OfGradient,
                weight.Layout == FileLayout.Kernel ? GoldenLayout.Kernel : GoldenLayout.Same);
        Assert.All(encoder.Weights.Parameters, weight => Assert.Equal(weight.Name.StartsWith("neck."), weight.Tensor.Grad is not null));
    }

    [Fact]
    public void Position_tables_can_be_trained_alone_or_one_by_one()
    {
        ImageEncoder encoder = Open();
        encoder.Weights.Freeze("*");
        encoder.Weights.Unfreeze("*.rel_pos_w");
        encoder.Forward(Image(encoder)).Backward(Upstream(encoder));
        Weight[] tables = [.. encoder.Weights.Parameters.Where(weight => weight.Tensor.RequiresGrad)];
        Assert.Equal(3, tables.Length);
        foreach (Weight table in tables) _file.AssertEqual($"grad/{table.Name}", table.Tensor.Grad, OfGradient);
    }

    [Fact]
    public void Intermediate_results_go_back_to_the_pool()
    {
        ImageEncoder encoder = Open();
        Session session = encoder.Weights.Session;
        long before = _device.Pool.BytesInUse;
        using (session.Step())
        using (session.NoGrad())
            encoder.Forward(Image(encoder));
        Assert.Equal(before, _device.Pool.BytesInUse);
    }

    [Theory, InlineData(14), InlineData(8), InlineData(5), InlineData(1)]
    public void Windows_may_be_larger_than_the_grid_or_a_single_token(int window)
    {
        var configuration = SmallSam.Configuration(_file) with { Window = window };
        var session = new Session(_device);
        var encoder = new ImageEncoder(new Weights(session, seed: 1), configuration);
        Assert.Equal(Shape.Of([2 * window - 1, 16]), encoder.Weights["blocks.0.attn.rel_pos_h"].Shape);
        Assert.Equal(Shape.Of([15, 16]), encoder.Weights["blocks.1.attn.rel_pos_h"].Shape);
        Tensor embedding = encoder.Forward(session.Uniform([2, 128, 128, 3]));
        Assert.Equal(Shape.Of([2, 8, 8, 32]), embedding.Shape);
        Assert.All(embedding.ToArray(), value => Assert.True(float.IsFinite(value)));
        embedding.Square().Mean().Backward();
        Assert.All(encoder.Weights.Parameters, weight => Assert.NotNull(weight.Tensor.Grad));
    }

    [Fact]
    public void An_image_of_another_size_is_named()
    {
        ImageEncoder encoder = Open();
        Tensor image = encoder.Weights.Session.Zeros([1, 128, 112, 3]);
        string message = Assert.Throws<ArgumentException>(() => encoder.Forward(image)).Message;
        Assert.Equal("ImageEncoder: the image is [1, 128, 112, 3]; expected [B, 128, 128, 3]", message);
    }

    ImageEncoder Open()
    {
        var encoder = new ImageEncoder(new Weights(new Session(_device)), SmallSam.Configuration(_file));
        SmallSam.Load(encoder.Weights, _file);
        return encoder;
    }

    Tensor Image(ImageEncoder encoder) => _file.Tensor(encoder.Weights.Session, "in/image", GoldenLayout.ChannelsLast);

    Tensor Upstream(ImageEncoder encoder) => _file.Tensor(encoder.Weights.Session, "in/upstream", GoldenLayout.ChannelsLast);

    /// <summary>The file has windows with what is dropped of them, ours are the tokens of the image.</summary>
    void AssertAttention(string name, Tensor got)
    {
        Tensor want = _file.Tensor(got.Session, name);
        if (want.Shape != got.Shape) want = want.WindowUnpartition(got.Size(1), got.Size(2));
        double error = Math.Sqrt((got - want).Square().Sum().Item() / want.Square().Sum().Item());
        Assert.InRange(error, 0, Output);
    }

    (float[][] Gradients, long BytesHeld) Gradients(bool checkpointing)
    {
        ImageEncoder encoder = Open();
        encoder.Checkpointing = checkpointing;
        using Scope step = encoder.Weights.Session.Step();
        Tensor image = Image(encoder).WithGrad();
        long before = _device.Pool.BytesInUse;
        Tensor embedding = encoder.Forward(image);
        long held = _device.Pool.BytesInUse - before;
        embedding.Backward(Upstream(encoder));
        return ([image.Grad!.ToArray(), .. encoder.Weights.Parameters.Select(weight => weight.Tensor.Grad!.ToArray())], held);
    }
}
