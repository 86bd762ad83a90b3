using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Metrics;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Experiments;

/// <summary>Gives label maps to the cases of a data set.</summary>
/// <param name="data">The data set, with what is done to intensities.</param>
/// <param name="network">In evaluation mode.</param>
/// <param name="patch">Size of a window.</param>
/// <param name="prediction">How windows lie, and what is done with the result.</param>
public sealed class CaseLabelling(DataSet data, IVolumeNetwork network, GridSize patch, PredictionConfiguration prediction)
{
    const int Parts = 100;

    /// <summary>Writes <c>CASE.nii.gz</c> for all cases that have none in the folder yet, on the cases' own grids.</summary>
    /// <param name="cases">Which cases.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="progress">Told how much of all is done, in hundredths of a case.</param>
    /// <param name="stop">Stops between cases.</param>
    /// <exception cref="OperationCanceledException">It was stopped; what is written stays.</exception>
    /// <exception cref="BadDataException">A case cannot be used.</exception>
    public void Write(
        IReadOnlyList<Case> cases, string folder, Action<int, int>? progress = null, CancellationToken stop = default)
    {
        Directory.CreateDirectory(folder);
        var windows = new SlidingWindow(patch, prediction.Stride) { Batch = prediction.Batch };
        for (int i = 0; i < cases.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            int done = i;
            string path = FolderPseudoLabels.PathOf(folder, cases[i]);
            if (!File.Exists(path))
            {
                LoadedCase scan = data.Read(cases[i] with { LabelPath = null });
                LabelMap labels = windows.Predict(
                    network.Weights.Session, network.Logits, new Volume(scan.Geometry, scan.Image),
                    progress: (window, all) => Tell(done + (double)window / all)).Labels;
                if (prediction.LargestComponent) Segmentation.KeepLargest(labels);
                data.WriteLabels(path, labels);
            }
            Tell(i + 1);
        }

        void Tell(double done) => progress?.Invoke((int)(done * Parts), cases.Count * Parts);
    }
}
