using Cfr.Pipeline.Retraining;
using Cfr.TestKit;

namespace Cfr.Pipeline.Tests.Retraining;

public sealed class LabelFolderTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Labels_of_different_origin_are_never_mixed()
    {
        string path = _folder.File("labels");
        LabelFolder.Begin(path, "one");
        File.WriteAllText(Path.Combine(path, "case.nii.gz"), "");
        LabelFolder.Begin(path, "one");
        Assert.Contains("another model", Assert.Throws<ArgumentException>(() => LabelFolder.Begin(path, "two")).Message);
    }

    [Fact]
    public void A_folder_of_something_else_is_left_alone()
    {
        string path = _folder.File("truth");
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "case.nii.gz"), "");
        Assert.Contains("no labels of this model", Assert.Throws<ArgumentException>(() => LabelFolder.Begin(path, "one")).Message);
        Assert.Single(Directory.GetFiles(path));
    }
}
