namespace Cfr.TestKit;

/// <summary>Reference data, in the folder tests/Golden of the repository.</summary>
public static class Golden
{
    static readonly string Folder = FindFolder();

    /// <summary>Path of a file or folder of reference data, such as <c>sam/ckpt/zip_fp32.pth</c>.</summary>
    public static string Path(string name) => System.IO.Path.Combine(Folder, name);

    static string FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string golden = System.IO.Path.Combine(folder.FullName, "tests", "Golden");
            if (Directory.Exists(golden)) return golden;
        }
        throw new DirectoryNotFoundException($"tests/Golden is in no folder above {AppContext.BaseDirectory}");
    }
}
