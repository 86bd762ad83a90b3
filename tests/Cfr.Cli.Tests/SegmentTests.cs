using System.Text.Json;
using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Images;
using Cfr.Pipeline.Networks;
using Cfr.Tensors;
using Cfr.TestKit;

namespace Cfr.Cli.Tests;

/// <summary><c>cfr segment</c> with a small SAM of random weights.</summary>
public sealed class SegmentTests : IDisposable
{
    readonly TemporaryFolder _folder = new();
    readonly string _model, _picture;

    public SegmentTests()
    {
        _model = _folder.File("sam.safetensors");
        using Device device = Device.Open("cpu");
        SamFile.Save(new Sam(new Weights(new Session(device), seed: 8), TestSam.Small), _model);
        _picture = _folder.File("picture.png");
        var image = new RgbImage(30, 50);
        for (int i = 0; i < image.Pixels.Length; i++) image.Pixels[i] = (byte)(i * 11 % 256);
        image.Write(_picture);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_point_gives_a_mask_of_the_pictures_size()
    {
        string mask = _folder.File("mask.png"), overlay = _folder.File("overlay.png");
        var (code, output, errors) = Run(_picture, "--points", "10,20;40,5,0", "--out", mask, "--overlay", overlay);
        Assert.Equal((0, ""), (code, errors));
        Assert.StartsWith($"{mask}: ", output);
        RgbImage image = RgbImage.Read(mask), shown = RgbImage.Read(overlay), picture = RgbImage.Read(_picture);
        Assert.Equal((30, 50), (image.Height, image.Width));
        Assert.All(image.Pixels, value => Assert.True(value is 0 or 255));
        for (int i = 0; i < image.Pixels.Length; i++)
            if (image.Pixels[i] == 0) Assert.Equal(picture.Pixels[i], shown.Pixels[i]);
    }

    [Fact]
    public void Several_objects_and_candidates_are_numbered()
    {
        var (code, output, _) = Run(
            _picture, "--boxes", "2,3,30,28;10,1,45,20", "--multimask", "--out", _folder.File("m.png"), "--json", "--threads", "1");
        Assert.Equal(0, code);
        JsonElement[] masks = [.. JsonDocument.Parse(output).RootElement.GetProperty("masks").EnumerateArray()];
        Assert.Equal(6, masks.Length);
        string[] names = [.. masks.Select(mask => Path.GetFileName(mask.GetProperty("mask").GetString()!))];
        Assert.Equal(["m-1-1.png", "m-1-2.png", "m-1-3.png", "m-2-1.png", "m-2-2.png", "m-2-3.png"], names);
        foreach (JsonElement mask in masks)
        {
            int area = RgbImage.Read(mask.GetProperty("mask").GetString()!).Pixels.Count(value => value == 255) / 3;
            Assert.Equal(area, mask.GetProperty("area").GetInt32());
            Assert.True(float.IsFinite(mask.GetProperty("score").GetSingle()));
        }
    }

    [Fact]
    public void No_mask_is_written_over_the_picture_or_another_file_of_the_call()
    {
        string picture = _folder.File("m-1.png"), mask = _folder.File("m.png");
        File.Copy(_picture, picture);
        byte[] before = File.ReadAllBytes(picture);
        var (code, _, errors) = Run(picture, "--points", "3,4", "--multimask", "--out", mask);
        Assert.Equal(2, code);
        Assert.Contains("would overwrite", errors);
        Assert.Equal(before, File.ReadAllBytes(picture));
        (code, _, errors) = Run(_picture, "--points", "3,4", "--multimask", "--out", mask, "--overlay", _folder.File("m-2.png"));
        Assert.Equal(2, code);
        Assert.Contains("--overlay", errors);
        Assert.False(File.Exists(_folder.File("m-2.png")));
    }

    [Fact]
    public void Slices_of_volumes_are_pictures_too()
    {
        string volume = Golden.Path("volumes/chunked.h5"), mask = _folder.File("mask.png");
        var (code, output, errors) = Run(
            volume, "--axis", "0", "--slice", "3", "--window", "-5,300", "--points", "2,3", "--out", mask);
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("slice 3 of 13 across axis 0, gray from -5 to 300", output);
        RgbImage image = RgbImage.Read(mask);
        Assert.Equal((11, 7), (image.Height, image.Width));
    }

    [Theory]
    [InlineData(2, "the point 51,3 is not in the picture of 50 x 30 pixels", "--points", "51,3")]
    [InlineData(2, "the box 9,3,9,8 has no extent; expected x0 < x1 and y0 < y1", "--boxes", "9,3,9,8")]
    [InlineData(2, "--points has '4'; expected x,y or x,y,label", "--points", "4")]
    [InlineData(2, "--points is given for 2 objects, --boxes for 1", "--points", "4,4", "--points", "5,5", "--boxes", "1,2,3,4")]
    [InlineData(2, "nothing is pointed at")]
    [InlineData(3, "absent.pth: there is no such file", "--points", "4,4", "--model", "absent.pth")]
    public void What_cannot_be_done_is_one_line(int expected, string message, params string[] arguments)
    {
        string[] model = arguments.Contains("--model") ? [] : ["--model", _model];
        var (code, _, errors) = CfrProcess.Run(["segment", _picture, "--out", _folder.File("x.png"), .. model, .. arguments]);
        Assert.Equal(expected, code);
        Assert.Contains(message, errors);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.False(File.Exists(_folder.File("x.png")));
    }

    [Fact]
    public void Files_that_are_something_else_are_named()
    {
        string text = _folder.File("notes.txt", "hello"u8), mask = _folder.File("mask.png");
        var (code, _, errors) = Run(text, "--points", "1,1", "--out", mask);
        Assert.Equal(3, code);
        Assert.Contains("expected a PNG or JPEG picture, or a NIfTI, NRRD or HDF5 file", errors);
        (code, _, errors) = CfrProcess.Run(
            "segment", _picture, "--points", "1,1", "--out", mask, "--model", Golden.Path("ssl/vnet_nf1_c2.pth"));
        Assert.Equal(3, code);
        Assert.Contains("are of no SAM", errors);
    }

    (int Code, string Output, string Errors) Run(params string[] arguments) =>
        CfrProcess.Run(["segment", .. arguments, "--model", _model]);
}
