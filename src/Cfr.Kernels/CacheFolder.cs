namespace Cfr.Kernels;

/// <summary>Where things are kept that can be made again, such as assembled kernels.</summary>
public static class CacheFolder
{
    const string Variable = "CFR_CACHE";

    /// <summary>The folder that CFR_CACHE names, or the user's own: <c>~/.cache/cfr</c>. It need not be there yet.</summary>
    public static string Path
    {
        get
        {
            string? named = Environment.GetEnvironmentVariable(Variable);
            if (!string.IsNullOrEmpty(named)) return named;
            string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (string.IsNullOrEmpty(cache))
            {
                cache = OperatingSystem.IsWindows()
                    ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                    : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
            }
            return System.IO.Path.Combine(cache, "cfr");
        }
    }
}
