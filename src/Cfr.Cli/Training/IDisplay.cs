using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Spectre.Console;

namespace Cfr.Cli.Training;

/// <summary>How a run shows itself.</summary>
interface IDisplay : ITrainingObserver, IDisposable
{
    /// <summary>JSON, or what suits where the output goes.</summary>
    static IDisplay Open(bool isJson) => isJson ? new JsonLines()
        : AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected ? new TrainingBar()
        : new PlainLines();

    /// <summary>Before anything is read.</summary>
    void Begin(IEnumerable<string> lines);

    /// <summary>After the last step; a stopped run is gone on with by the command.</summary>
    void End(bool finished, RunFolder run, string command);

    /// <inheritdoc cref="Begin(IEnumerable{string})"/>
    void Begin(RunConfiguration configuration, DataSet data, Device device, IVolumeNetwork network) =>
        Begin(TrainingSummary.Lines(configuration, data, device, network));

    /// <inheritdoc cref="End(bool, RunFolder, string)"/>
    void End(bool finished, RunFolder run, RunConfiguration configuration) => End(finished, run, configuration.Command);
}
