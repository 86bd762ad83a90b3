namespace Cfr.Cli;

/// <summary>What the process returns.</summary>
static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>The work failed, or what was asked did not hold.</summary>
    public const int Failed = 1;

    /// <summary>The command line makes no sense.</summary>
    public const int Usage = 2;

    /// <summary>A file or its contents cannot be used.</summary>
    public const int BadData = 3;
}
