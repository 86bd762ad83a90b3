using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;

namespace Cfr.Cli.Training;

/// <summary>How a run shows itself.</summary>
interface IDisplay : ITrainingObserver, IDisposable
{
    /// <summary>Before anything is read.</summary>
    void Begin(RunConfiguration configuration, DataSet data, Device device, IVolumeNetwork network);

    /// <summary>After the last step.</summary>
    void End(bool finished, RunFolder run, RunConfiguration configuration);
}
