using System.CommandLine;
using System.Globalization;
using Cfr.Pipeline.Concatenation;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Volumes;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr concat VOLUME --out PNG</c>: the picture that SAM sees of a scan.</summary>
static class ConcatCommand
{
    static readonly Argument<string> Input = new("VOLUME") { Description = "A scan (NIfTI, NRRD, HDF5)." };

    static readonly Option<string> Out = new("--out") { Description = "The picture, a .png file.", Required = true };

    static readonly Option<GridSize?> Patch = CommonOptions.Size(
        "--patch", "What to show of the scan's middle; default: all of it, or as many slices as fit.");

    static readonly Option<int> ImageSize = new("--image-size")
    {
        Description = "Height and width of the picture: the input of the network.",
        DefaultValueFactory = _ => 1024,
    };

    static readonly Option<MosaicLayout> Layout = new("--layout")
    {
        Description = "Where slices lie: release, as in the authors' program, or paper, as in the paper.",
        DefaultValueFactory = _ => MosaicLayout.Release,
        CustomParser = result =>
        {
            string word = result.Tokens[0].Value.ToLowerInvariant();
            if (word is not ("release" or "paper")) result.AddError($"--layout is {word}; expected release or paper");
            return word == "paper" ? MosaicLayout.Paper : MosaicLayout.Release;
        },
    };

    static readonly Option<int?> Scale = new("--scale")
    {
        Description = "K: K x K slices a picture, each resized to its tile; default: all slices, a voxel a pixel.",
    };

    static readonly Option<int?> Canvas = new("--canvas")
    {
        Description = "With --scale, which of the pictures, from 1; default: the middle one.",
    };

    static readonly Option<string?> Label = new("--label")
    {
        Description = "Classes of the same voxels, shown in colours; default: those in the file of the scan (HDF5), if there are any.",
    };

    static readonly Option<bool> NoLabel = new("--no-label") { Description = "Show the image alone." };

    static readonly Option<(float Black, float White)?> Window = new("--window")
    {
        Description = "What is black and white, in deviations from the scan's mean, such as -2,4; default: 99 % of the voxels.",
        CustomParser = result =>
        {
            string[] words = result.Tokens[0].Value.Split(',');
            float[] bounds = [.. words.Select(word => float.TryParse(word, CultureInfo.InvariantCulture, out float bound) ? bound : float.NaN)];
            if (bounds is [var black, var white] && black < white && float.IsFinite(white - black)) return (black, white);
            result.AddError($"--window is {result.Tokens[0].Value}; expected two numbers such as -2,4, the smaller one first");
            return null;
        },
    };

    public static Command Create()
    {
        var command = new Command("concat", "Shows what SAM sees of a scan: its slices side by side, as a PNG file.")
        {
            Input, Out, Patch, ImageSize, Layout, Scale, Canvas, Label, NoLabel, Window,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        string input = arguments.GetValue(Input)!, output = arguments.GetValue(Out)!;
        OutputPath.Check("--out", output, input);
        var concatenation = new ConcatenationConfiguration(arguments.GetValue(Layout), arguments.GetValue(Scale));
        concatenation.Check();
        if (arguments.GetValue(Canvas) is { } asked && concatenation.Scale is null)
            throw new ArgumentException($"--canvas {asked}: without --scale there is one picture");
        var preview = new MosaicPreview(concatenation, arguments.GetValue(ImageSize))
        {
            Patch = arguments.GetValue(Patch),
            Canvas = arguments.GetValue(Canvas) - 1,
            Window = arguments.GetValue(Window),
        };
        LoadedCase scan = MosaicPreview.Read(input, LabelPath(arguments, input));
        MosaicPicture picture = preview.Draw(scan);
        picture.Image.Write(output);
        Print(output, scan.Geometry.Size, picture, preview);
        return ExitCode.Done;
    }

    static string? LabelPath(ParseResult arguments, string input)
    {
        string? given = arguments.GetValue(Label);
        if (arguments.GetValue(NoLabel))
            return given is null ? null : throw new ArgumentException($"--label {given} and --no-label; expected one of them");
        return given ?? (VolumeFile.ReadHeader(input).DataSets.Contains("label") ? input : null);
    }

    static void Print(string output, GridSize scan, MosaicPicture picture, MosaicPreview preview)
    {
        int last = picture.FirstSlice + picture.Slices - 1;
        string which = picture.Canvases == 1 ? "" : $", picture {picture.Canvas + 1} of {picture.Canvases}";
        Console.WriteLine($"{output}: {preview.ImageSize}x{preview.ImageSize} pixels{which}, slices {picture.FirstSlice} to {last} of "
            + $"the patch {picture.Patch}");
        if (preview.Patch is null && picture.Patch != scan)
            Console.WriteLine($"The scan is {scan}; {picture.Patch} of its middle fit and are shown. --patch and --scale show it otherwise.");
    }
}
