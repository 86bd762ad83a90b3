using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Images;
using Cfr.Pipeline.Networks;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>sam-resize</c>: images <c>GROUP/x</c> resampled to <c>GROUP/y</c> by PyTorch (<c>bilinear</c> with
/// gradients, <c>antialias</c>, <c>nearest</c>, <c>linear1d</c>), Pillow (<c>pil</c>) and SciPy (<c>zoom0</c>,
/// <c>zoom3</c>, <c>lowres_label</c>).
/// </summary>
static class ResizeParity
{
    const double Tolerance = 1e-6;

    /// <summary>PyTorch's weights are float32 where pictures are antialiased; ours are float64.</summary>
    const double WeightTolerance = 2e-6;

    public static void Run(ParityRun run)
    {
        foreach (string group in run.File.Names.Where(name => name.EndsWith("/x")).Select(name => name[..^2]))
        {
            using Scope step = run.Session.Step();
            switch (group.Split('/')[0])
            {
                case "bilinear": Device(run, group, Interpolation.Linear); break;
                case "bilinear_align_corners": Device(run, group, Interpolation.Linear, alignCorners: true); break;
                case "nearest": Device(run, group, Interpolation.Nearest); break;
                case "linear1d": Lines(run); break;
                case "antialias": Antialias(run, group); break;
                case "pil": Pillow(run, group); break;
                case "zoom0" or "zoom3": Zoom(run, group); break;
                case "lowres_label": LowResolution(run, group); break;
            }
        }
    }

    static void Device(ParityRun run, string group, Interpolation interpolation, bool alignCorners = false)
    {
        Tensor x = SamModule.Leaf(run, $"{group}/x", ReferenceLayout.ChannelsLast);
        Tensor y = x.Resize([.. run.File.Shape($"{group}/y").Skip(2)], interpolation, alignCorners);
        run.Output($"{group}/y", y, interpolation == Interpolation.Nearest ? 0 : Tolerance, ReferenceLayout.ChannelsLast);
        if (!run.WithGradients || !run.File.Has($"{group}/upstream")) return;
        y.Backward(run.File.Tensor(run.Session, $"{group}/upstream", ReferenceLayout.ChannelsLast));
        run.Gradient($"{group}/grad_x", x.Grad, Tolerance, ReferenceLayout.ChannelsLast);
    }

    /// <summary>[1, C, n] as an image of one column.</summary>
    static void Lines(ParityRun run)
    {
        Tensor x = run.File.Tensor(run.Session, "linear1d/x").Permute(0, 2, 1);
        foreach (string name in run.File.Names.Where(name => name.StartsWith("linear1d/y")))
        {
            int length = run.File.Shape(name)[2];
            Tensor y = x.Reshape(1, x.Size(1), 1, x.Size(2)).Resize([length, 1]).Reshape(1, length, x.Size(2));
            run.Output(name, y.Permute(0, 2, 1), Tolerance);
        }
    }

    static void Antialias(ParityRun run, string group)
    {
        Tensor x = run.File.Tensor(run.Session, $"{group}/x", ReferenceLayout.ChannelsLast);
        Shape to = run.File.Shape($"{group}/y");
        float[] y = AntialiasedResize.Resize(x.ToArray(), (x.Size(1), x.Size(2)), (to[2], to[3]), x.Size(3));
        run.Output($"{group}/y", run.Session.Tensor(y, [1, to[2], to[3], to[1]]), Tolerance, ReferenceLayout.ChannelsLast);
    }

    static void Pillow(ParityRun run, string group)
    {
        Shape size = run.File.Shape($"{group}/x");
        var image = new RgbImage(size[0], size[1], run.File.Bytes($"{group}/x"));
        var frame = new LongestSide(size[0], size[1], (int)run.File.Values($"{group}/target_length")[0]);
        run.Output($"{group}/y", Array.ConvertAll(frame.Apply(image).Pixels, value => (float)value), tolerance: 0);
        double[] mapped =
        [
            .. run.File.Values($"{group}/coords_in").Chunk(2).Select(place => frame.Map(place[0], place[1]))
                .SelectMany(place => new[] { place.X, place.Y }),
        ];
        run.Output($"{group}/coords_out", mapped, run.File.Values($"{group}/coords_out"), tolerance: 0);
        float[] pixels = Array.ConvertAll(image.Pixels, value => (float)value);
        var scaled = (frame.ScaledHeight, frame.ScaledWidth);
        float[] y = AntialiasedResize.Resize(pixels, (size[0], size[1]), scaled, 3);
        run.Output(
            $"{group}/torch_y", run.Session.Tensor(y, [1, frame.ScaledHeight, frame.ScaledWidth, 3]), WeightTolerance,
            ReferenceLayout.ChannelsLast);
    }

    static void Zoom(ParityRun run, string group)
    {
        float[] x = run.File.Floats($"{group}/x");
        Shape from = run.File.Shape($"{group}/x");
        foreach (string name in run.File.Names.Where(name => name.StartsWith($"{group}/") && name != $"{group}/x"))
        {
            Shape to = run.File.Shape(name);
            bool isCubic = group == "zoom3";
            float[] y = isCubic
                ? CornerZoom.Cubic(x, (from[0], from[1]), (to[0], to[1]))
                : CornerZoom.Nearest<float>(x, (from[0], from[1]), (to[0], to[1]));
            run.Output(name, y, isCubic ? Tolerance : 0);
        }
    }

    static void LowResolution(ParityRun run, string group)
    {
        float[] x = run.File.Floats($"{group}/x");
        Shape from = run.File.Shape($"{group}/x"), to = run.File.Shape($"{group}/zoom0_16");
        run.Output($"{group}/zoom0_16", CornerZoom.Nearest<float>(x, (from[0], from[1]), (to[0], to[1])), tolerance: 0);
        Tensor nearest = run.Session.Tensor(x, [1, from[0], from[1], 1]).Resize([to[0], to[1]], Interpolation.Nearest);
        run.Output($"{group}/nearest_16", nearest, tolerance: 0);
    }
}

/// <summary>
/// Kind <c>sam-preprocess-postprocess</c>: pixels normalised and padded (<c>pre</c>), logits brought to a picture's
/// size (<c>post</c>), tables of positions adapted to another grid (<c>adapt</c>); what the adaptation leaves alone is
/// compared as it is.
/// </summary>
static class SamImageParity
{
    const double Tolerance = 1e-6;

    public static void Run(ParityRun run)
    {
        ReferenceFile file = run.File;
        Tensor pixels = file.Tensor(run.Session, "pre/image_0_255").Permute(1, 2, 0);
        int side = (int)file.Values("pre/img_size")[0];
        Tensor prepared = SamImage.Normalize(run.Session, pixels.ToArray(), pixels.Size(0), pixels.Size(1), side);
        run.Output("pre/out", prepared, Tolerance, ReferenceLayout.ChannelsLast);

        int[] scaled = Sizes("post/input_size"), picture = Sizes("post/original_size");
        Tensor logits = file.Tensor(run.Session, "post/low_res", ReferenceLayout.ChannelsLast);
        Tensor restored = SamImage.Restore(logits, side, (scaled[0], scaled[1]), (picture[0], picture[1]));
        run.Output("post/out", restored, Tolerance, ReferenceLayout.ChannelsLast);

        const string before = "adapt/checkpoint/", after = "adapt/loaded/", encoder = "image_encoder.";
        foreach (string name in file.Names.Where(name => name.StartsWith(after + encoder)))
        {
            Tensor table = file.Tensor(run.Session, before + name[after.Length..]);
            run.Output(name, SamFile.Resampled(table, file.Shape(name)), Tolerance);
        }

        int[] Sizes(string name) => [.. file.Values(name).Select(size => (int)size)];
    }
}
