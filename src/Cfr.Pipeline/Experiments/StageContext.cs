using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Tensors;

namespace Cfr.Pipeline.Experiments;

/// <summary>What stages share: settings, folder, data, device.</summary>
sealed class StageContext(
    ExperimentConfiguration experiment, ExperimentFolder folder, Func<Device> openDevice, IExperimentObserver observer,
    CancellationToken stop)
{
    readonly Dictionary<string, StageRecord> _records = [];
    DataSet? _data;
    string? _labelledHash, _unlabelledHash, _testHash;

    public ExperimentConfiguration Experiment => experiment;

    public ExperimentFolder Folder => folder;

    public IExperimentObserver Observer => observer;

    public CancellationToken Stop => stop;

    /// <summary>The data set with the cases of this experiment alone.</summary>
    /// <exception cref="ArgumentException">It has fewer cases than the experiment wants.</exception>
    /// <exception cref="BadDataException">It cannot be used.</exception>
    public DataSet Data => _data ??= Limited(DataSetFile.Open(experiment.Data ?? folder.Data), experiment);

    public IReadOnlyList<Case> Labelled => Data.Labelled(experiment.Labelled);

    public IReadOnlyList<Case> Unlabelled => Data.Unlabelled(experiment.Labelled);

    public string LabelledHash => _labelledHash ??= Fingerprint.OfCases(Data, Labelled);

    public string UnlabelledHash => _unlabelledHash ??= Fingerprint.OfCases(Data, Unlabelled);

    public string TestHash => _testHash ??= Fingerprint.OfCases(Data, Data.WithLabels(Data.Test));

    /// <summary>A session on a device of its own, which is closed with it.</summary>
    public (Device Device, Session Session) Open(ulong seed)
    {
        Device device = openDevice();
        return (device, new Session(device, seed));
    }

    /// <summary>What a stage that is complete has made.</summary>
    public string OutputsOf(string stage) => _records[stage].Fingerprint;

    public void Completed(StageRecord record) => _records[record.Name] = record;

    /// <summary>The first cases of each list, as the experiment says.</summary>
    internal static DataSet Limited(DataSet data, ExperimentConfiguration experiment)
    {
        if (experiment.Labelled > data.Train.Count)
            throw new ArgumentException($"labelled is {experiment.Labelled}; {data.Name} ({data.ListPath}) has {data.Train.Count} training cases");
        int rest = data.Train.Count - experiment.Labelled;
        if (experiment.Unlabelled > rest)
            throw new ArgumentException($"unlabelled is {experiment.Unlabelled}; {data.Name} ({data.ListPath}) has {rest} training cases beside the {experiment.Labelled} labelled ones");
        if (experiment.Test > data.Test.Count)
            throw new ArgumentException($"test is {experiment.Test}; {data.Name} ({data.ListPath}) has {data.Test.Count} test cases");
        return data with
        {
            Train = [.. data.Train.Take(experiment.Labelled + (experiment.Unlabelled ?? rest))],
            Test = [.. data.Test.Take(experiment.Test ?? data.Test.Count)],
        };
    }
}
