using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Training;

namespace Cfr.Cli.Training;

/// <summary>How a run shows itself.</summary>
interface IDisplay : ITrainingObserver, IDisposable
{
    /// <summary>Before anything is read.</summary>
    void Begin(TrainingConfiguration configuration, DataSet data, Device device, Segmenter network);

    /// <summary>After the last step.</summary>
    void End(bool finished, RunFolder run);
}
