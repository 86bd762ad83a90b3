using Cfr.Kernels;
using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Pretraining;

/// <summary>Drawings and prompts about them.</summary>
/// <param name="Images">[B, S, S, 3]</param>
/// <param name="Size">S.</param>
/// <param name="Points">One point each.</param>
/// <param name="Boxes">One box each.</param>
/// <param name="Scenes">For each image where objects are and where their borders: [B, 2, 4g 4g].</param>
/// <param name="Greys">For each image its greys as they were drawn: [B, 4g 4g].</param>
sealed record PromptBatch(
    float[] Images, int Size, PromptGroup Points, PromptGroup Boxes, float[] Scenes, float[] Greys)
{
    /// <summary>Masks that say without prompts what there is, objects and borders.</summary>
    public const int SceneMasks = 2;

    /// <summary>[B, S, S, 3]</summary>
    public Tensor ImageTensor(Session session) =>
        session.Tensor(Images, [Images.Length / (Size * Size * 3), Size, Size, 3]);

    /// <summary>[2 B, 4g 4g, 1]</summary>
    public Tensor SceneTensor(Session session)
    {
        int masks = SceneMasks * Images.Length / (Size * Size * 3);
        return session.Tensor(Scenes, [masks, Scenes.Length / masks, 1]);
    }

    /// <summary>[B, 4g 4g]</summary>
    public Tensor GreyTensor(Session session)
    {
        int images = Images.Length / (Size * Size * 3);
        return session.Tensor(Greys, [images, Greys.Length / images]);
    }

    /// <summary>
    /// The drawings from <paramref name="first"/> on. Each prompt is about an object of its own as long as there are enough; points and
    /// boxes are drawn with the drawing's number, so that a batch depends on the seed and the numbers alone.
    /// </summary>
    /// <param name="seed">Of drawings and prompts.</param>
    /// <param name="first">Number of the first drawing.</param>
    /// <param name="count">Drawings.</param>
    /// <param name="prompts">For each of them, half of them points.</param>
    /// <param name="sam">Sizes of images and masks.</param>
    public static PromptBatch Draw(ulong seed, ulong first, int count, int prompts, SamConfiguration sam)
    {
        int size = sam.ImageSize, pixels = size * size * 3, half = prompts / 2, side = 4 * sam.Grid, places = side * side;
        float[] images = new float[count * pixels];
        var points = new PromptGroup(new int[count * half], new float[count * half * 2], new float[count * half * places]);
        var boxes = new PromptGroup(new int[count * half], new float[count * half * 4], new float[count * half * places]);
        float[] scenes = new float[count * SceneMasks * places], greys = new float[count * places];
        for (int i = 0; i < count; i++)
        {
            ulong number = first + (ulong)i;
            Drawing drawing = Drawing.Draw(seed, number, size);
            drawing.Pixels.CopyTo(images, i * pixels);
            Span<float> scene = scenes.AsSpan(i * SceneMasks * places, SceneMasks * places);
            drawing.Explain(side, scene[..places], scene[places..], greys.AsSpan(i * places, places));
            var random = new RandomNumbers(RandomKey.For(seed, "prompts", number));
            int[] order = random.Permutation(drawing.Objects.Count);
            for (int prompt = 0; prompt < prompts; prompt++)
            {
                var target = new DrawnObject(drawing, drawing.Objects[order[prompt % order.Length]]);
                PromptGroup group = prompt < half ? points : boxes;
                int at = i * half + prompt % half;
                group.Images[at] = i;
                if (group == points) target.DrawPoint(random).CopyTo(points.Places.AsSpan(2 * at));
                else target.DrawBox(random).CopyTo(boxes.Places.AsSpan(4 * at));
                target.Shrink(side, group.Targets.AsSpan(at * places, places));
            }
        }
        return new PromptBatch(images, size, points, boxes, scenes, greys);
    }
}
