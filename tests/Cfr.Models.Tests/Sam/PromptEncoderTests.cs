using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Models.Tests;

/// <summary>The prompt encoder against the original program.</summary>
public sealed class PromptEncoderTests : IDisposable
{
    const double Allowed = 1e-5;

    readonly GoldenModule<PromptEncoder> _golden = new("prompt_encoder", w => new PromptEncoder(w,
        new SamConfiguration { ImageSize = 128, PromptWidth = 32, MaskPromptChannels = 16 }));

    public void Dispose() => _golden.Dispose();

    [Fact]
    public void The_code_of_the_grid_is_that_of_its_cells_centres() =>
        _golden.AssertImage("out/dense_pe", _golden.Module.DensePositions(), Allowed);

    [Fact]
    public void No_prompt_is_no_token_and_one_vector_for_all_places()
    {
        PromptEmbedding none = _golden.Module.Forward(Prompts.None);
        Assert.Null(none.Sparse);
        Assert.Equal([1, 1, 1, 32], none.Dense.Shape);
        _golden.AssertImage("out/none.dense", none.Dense, 0);
    }

    [Fact]
    public void Points_alone_are_followed_by_a_point_that_is_none()
    {
        PromptEmbedding points = _golden.Module.Forward(Prompt(points: true));
        _golden.File.AssertEqual("out/points.sparse", points.Sparse, Allowed);
        _golden.AssertImage("out/none.dense", points.Dense, 0);
    }

    [Fact]
    public void A_box_is_two_points() =>
        _golden.File.AssertEqual("out/boxes.sparse", _golden.Module.Forward(Prompt(boxes: true)).Sparse, Allowed);

    [Fact]
    public void Boxes_follow_points() => _golden.File.AssertEqual(
        "out/points_boxes.sparse", _golden.Module.Forward(Prompt(points: true, boxes: true)).Sparse, Allowed);

    [Fact]
    public void Masks_become_dense()
    {
        PromptEmbedding masks = _golden.Module.Forward(Prompt(masks: true));
        Assert.Null(masks.Sparse);
        _golden.AssertImage("out/masks.dense", masks.Dense, Allowed);
    }

    [Fact]
    public void Gradients_of_all_prompts_together()
    {
        PromptEmbedding all = _golden.Module.Forward(Prompt(points: true, boxes: true, masks: true));
        Tensor loss = (all.Sparse! * _golden.Tensor("in/upstream_sparse")).Sum()
            + (all.Dense * _golden.Image("in/upstream_dense")).Sum();
        loss.Backward();
        _golden.AssertGradients(Allowed);
    }

    [Fact]
    public void Points_without_labels_and_labels_without_a_meaning_are_refused()
    {
        Prompts good = Prompt(points: true);
        Assert.Contains("together", Message(good with { Labels = null }));
        Assert.Contains("-1", Message(good with { Labels = _golden.Session.Labels([1, 2, 0, 0, 1, 1], [2, 3]) }));
        Assert.Contains("[P, 4]", Message(new Prompts { Boxes = _golden.Tensor("in/points") }));
        Assert.Contains("same number", Message(good with { Boxes = _golden.Session.Zeros([1, 4]) }));

        string Message(Prompts prompts) =>
            Assert.Throws<ArgumentException>(() => _golden.Module.Forward(prompts)).Message;
    }

    Prompts Prompt(bool points = false, bool boxes = false, bool masks = false) => new()
    {
        Points = points ? _golden.Tensor("in/points") : null,
        Labels = points ? _golden.File.Labels(_golden.Session, "in/labels") : null,
        Boxes = boxes ? _golden.Tensor("in/boxes") : null,
        Masks = masks ? _golden.Image("in/masks") : null,
    };
}
