using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Pretraining;

/// <summary>Prompts of one kind for the images of a batch, and the masks that they ask for.</summary>
/// <param name="Images">Which image each is about: [N].</param>
/// <param name="Places">Points [N, 2] or boxes [N, 4], in pixels, x first.</param>
/// <param name="Targets">1 for the object, else 0, at the resolution of the model's masks: [N, 4g 4g].</param>
sealed record PromptGroup(int[] Images, float[] Places, float[] Targets)
{
    /// <summary>Prompts.</summary>
    public int Count => Images.Length;

    /// <summary>Of each prompt its image: [B, g, g, D] -> [N, g, g, D].</summary>
    public Tensor Of(Tensor embedding) => embedding.Gather(embedding.Session.Labels(Images, [Count]));

    /// <summary>[N, 4g 4g]</summary>
    public Tensor TargetTensor(Session session) => session.Tensor(Targets, [Count, Targets.Length / Count]);

    /// <summary>One point of the object each.</summary>
    public Prompts AsPoints(Session session) => new()
    {
        Points = session.Tensor(Places, [Count, 1, 2]),
        Labels = session.Labels([.. Enumerable.Repeat(Prompts.Foreground, Count)], [Count, 1]),
    };

    /// <summary>A box around the object each.</summary>
    public Prompts AsBoxes(Session session) => new() { Boxes = session.Tensor(Places, [Count, 4]) };
}
