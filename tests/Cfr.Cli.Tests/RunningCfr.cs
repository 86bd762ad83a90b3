using System.Diagnostics;

namespace Cfr.Cli.Tests;

/// <summary>A <c>cfr</c> process that can be interrupted and killed.</summary>
sealed class RunningCfr : IDisposable
{
    readonly Process _process;
    readonly Task<string> _output, _errors;

    public RunningCfr(params string[] arguments)
    {
        string[] command = ["dotnet", Path.Combine(AppContext.BaseDirectory, "cfr.dll"), .. arguments];
        // What a shell runs in the background ignores Ctrl-C, and so does all that it starts, these tests and cfr.
        if (OperatingSystem.IsLinux()) command = ["env", "--default-signal=INT", .. command];
        _process = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>Waits for the end.</summary>
    public (int Code, string Output, string Errors) End()
    {
        _process.WaitForExit();
        return (_process.ExitCode, _output.Result, _errors.Result);
    }

    /// <summary>Looks every few milliseconds until it is so, or the process ends.</summary>
    public void Until(Func<bool> condition)
    {
        while (!condition() && !_process.WaitForExit(5)) { }
    }

    /// <summary>What Ctrl-C sends.</summary>
    public void Interrupt() => Process.Start("kill", ["-INT", $"{_process.Id}"]).WaitForExit();

    /// <summary>Ends it at once.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose() => _process.Dispose();
}
