using System.CommandLine;
using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Images;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr segment</c>: what SAM sees where it is pointed to.</summary>
static class SegmentCommand
{
    static readonly Argument<string> Input = new("IMAGE")
    {
        Description = "A PNG or JPEG picture, or a volume (NIfTI, NRRD, HDF5), of which --slice and --axis choose a slice.",
    };

    static readonly Option<string> Model = new("--model")
    {
        Description = "Weights of SAM: sam_vit_b_01ec64.pth, another .pth or .safetensors file of a SAM, or small.",
        Required = true,
    };

    static readonly Option<string> Out = new("--out")
    {
        Description = "The mask as a PNG, 255 the object, 0 all else. Of several masks: OUT-1.png, OUT-2.png, ...",
        Required = true,
    };

    static readonly Option<string[]> Points = new("--points")
    {
        Description = "Points of one object, x,y or x,y,0 for one beside it, divided by ';'. Again for another object.",
    };

    static readonly Option<string?> Boxes = new("--boxes")
    {
        Description = "Boxes x0,y0,x1,y1 divided by ';', one an object. With points: as many, in the same order.",
    };

    static readonly Option<bool> Candidates = new("--multimask")
    {
        Description = "Write all candidates of each object, from part to whole. Else one: of a point alone the best candidate.",
    };

    static readonly Option<string?> Overlay = new("--overlay") { Description = "A PNG that shows the masks over the image." };

    static readonly Option<int?> Slice = new("--slice")
    {
        Description = "Number of a volume's slice, from 0; default the middle one.",
    };

    static readonly Option<int> Axis = new Option<int>("--axis")
    {
        Description = "The axis across which a volume is cut: 0, 1 or 2. Rows and columns are the other two, in their order.",
        DefaultValueFactory = _ => 2,
    }.AcceptOnlyFromAmong("0", "1", "2");

    static readonly Option<GrayWindow> Window = new("--window")
    {
        Description = "Intensities of a volume that are black and white: -125,275, or percentiles of its voxels 1%,99%, or "
            + "minmax. Default 0.5%,99.5%.",
        DefaultValueFactory = _ => GrayWindow.Usual,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (GrayWindow.Parse(text) is { } window) return window;
            result.AddError(
                $"--window is {text}; expected intensities such as -125,275, percentiles such as 1%,99%, or minmax");
            return default;
        },
    };

    public static Command Create()
    {
        var command = new Command("segment", "Segments what is pointed at in a picture or a slice, with SAM.")
        {
            Input, Model, Out, Points, Boxes, Candidates, Overlay, Slice, Axis, Window,
            CommonOptions.Device, CommonOptions.Precision, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        string model = SmallSam.FileOf(arguments.GetValue(Model)!), path = arguments.GetValue(Out)!;
        ImagePrompt[] prompts = PromptWords.Parse(arguments.GetValue(Points) ?? [], arguments.GetValue(Boxes));
        RgbImage image = Read(arguments);
        foreach (ImagePrompt prompt in prompts) prompt.Check(image.Height, image.Width);
        if (!File.Exists(model)) throw new FileNotFoundException($"{model}: there is no such file", model);
        string input = arguments.GetValue(Input)!;
        OutputPath.Check("--out", path, input);
        if (arguments.GetValue(Overlay) is { } picture) OutputPath.Check("--overlay", picture, input, path);
        SamFile.Verify(model);

        using Device device = CommonOptions.OpenDevice(arguments);
        var predictor = new SamPredictor(SamFile.Load(new Session(device), model));
        predictor.SetImage(image);
        PredictedMask[][] masks =
        [
            .. prompts.Select(prompt => arguments.GetValue(Candidates)
                ? [.. predictor.Candidates(prompt)]
                : new[] { predictor.Best(prompt) }),
        ];
        string[][] files =
        [
            .. masks.Select((own, i) => own.Select((_, j) =>
                NameOf(path, masks.Length > 1 ? i + 1 : null, own.Length > 1 ? j + 1 : null)).ToArray()),
        ];
        foreach (string file in files.SelectMany(own => own)) OutputPath.Check("--out", file, input);
        if (arguments.GetValue(Overlay) is { } shown) OutputPath.Check("--overlay", shown, [input, .. files.SelectMany(own => own)]);
        var results = new List<object>();
        for (int i = 0; i < masks.Length; i++)
            for (int j = 0; j < masks[i].Length; j++)
            {
                PredictedMask mask = masks[i][j];
                string file = files[i][j];
                MaskOverlay.BlackAndWhite(image.Height, image.Width, mask.Pixels).Write(file);
                results.Add(new { Prompt = i + 1, Mask = file, Score = mask.Quality, mask.Area });
                if (!arguments.GetValue(CommonOptions.Json))
                    Console.WriteLine(FormattableString.Invariant($"{file}: {mask.Area:N0} pixels, score {mask.Quality:F3}"));
            }
        if (arguments.GetValue(Overlay) is { } overlay)
            MaskOverlay.Draw(image, [.. masks.Select(own => own.MaxBy(mask => mask.Quality)!.Pixels)]).Write(overlay);
        if (arguments.GetValue(CommonOptions.Json))
            JsonOutput.Print(new { Model = model, Device = device.Name, image.Height, image.Width, Masks = results });
        return ExitCode.Done;
    }

    static RgbImage Read(ParseResult arguments)
    {
        string path = arguments.GetValue(Input)!;
        if (!File.Exists(path)) throw new FileNotFoundException($"{path}: there is no such file", path);
        if (RgbImage.IsPicture(path))
        {
            foreach (Option option in (Option[])[Slice, Axis, Window])
                if (arguments.GetResult(option) is { Implicit: false })
                    throw new ArgumentException($"{option.Name} has no meaning for a picture, which {path} is");
            return RgbImage.Read(path);
        }
        if (!VolumeFile.IsVolume(path))
            throw new BadDataException($"{path}: expected a PNG or JPEG picture, or a NIfTI, NRRD or HDF5 file");
        Volume volume = VolumeFile.Read(path);
        int axis = arguments.GetValue(Axis);
        int slices = new VolumeSlice(axis, 0).CountIn(volume.Size);
        var slice = new VolumeSlice(axis, arguments.GetValue(Slice) ?? slices / 2);
        var (low, high) = arguments.GetValue(Window).Of(volume);
        if (!arguments.GetValue(CommonOptions.Json))
            Console.WriteLine(FormattableString.Invariant(
                $"{path}: slice {slice.Number} of {slices} across axis {axis}, gray from {low:G6} to {high:G6}"));
        return slice.Of(volume, (low, high));
    }

    /// <summary>OUT-PROMPT-CANDIDATE.png, without what there is one of.</summary>
    static string NameOf(string path, int? prompt, int? candidate)
    {
        string numbers = string.Concat(new[] { prompt, candidate }.OfType<int>().Select(number => $"-{number}"));
        return Path.Combine(
            Path.GetDirectoryName(path) ?? "", $"{Path.GetFileNameWithoutExtension(path)}{numbers}{Path.GetExtension(path)}");
    }
}
