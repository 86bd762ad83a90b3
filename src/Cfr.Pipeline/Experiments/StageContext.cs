using Cfr.Kernels;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Experiments;

/// <summary>What stages share: settings, folder, data, device.</summary>
sealed class StageContext(
    ExperimentConfiguration experiment, ExperimentFolder folder, Func<Device> openDevice, IExperimentObserver observer,
    CancellationToken stop)
{
    readonly Dictionary<string, StageRecord> _records = [];
    DataSet? _all, _data;
    string? _trainHash, _labelledHash, _unlabelledHash, _validationHash, _testHash, _samHash;

    public ExperimentConfiguration Experiment => experiment;

    public ExperimentFolder Folder => folder;

    public IExperimentObserver Observer => observer;

    public CancellationToken Stop => stop;

    /// <summary>The data set with the cases of this experiment alone.</summary>
    /// <exception cref="ArgumentException">It has fewer cases than the experiment wants.</exception>
    /// <exception cref="BadDataException">It cannot be used.</exception>
    public DataSet Data => _data ??= Limited(All, experiment);

    /// <summary>All of it. Before it is made, or where it is damaged: names, and for phantoms sizes, but no files.</summary>
    DataSet All => _all ??= experiment.Prepare is { } prepare ? Made() ?? PrepareStage.Planned(experiment, prepare)
        : DataSetFile.Open(experiment.Data!);

    DataSet? Made()
    {
        try
        {
            return File.Exists(Path.Combine(folder.Data, DataSetFile.FileName)) ? DataSetFile.Open(folder.Data) : null;
        }
        catch (BadDataException)
        {
            return null;
        }
    }

    /// <summary>Forgets what was planned, once the data set is there.</summary>
    public void DataIsMade() => (_all, _data) = (null, null);

    /// <summary>Whether only a part of the data set is used.</summary>
    public bool IsPart => Data.Train.Count < All.Train.Count || Data.Test.Count < All.Test.Count;

    /// <summary>Voxels of a case; null as long as they are not known.</summary>
    public GridSize? SizeOf(Case each) => File.Exists(each.ImagePath) ? VolumeFile.ReadHeader(each.ImagePath).Geometry.Size
        : experiment.Prepare is { Recipe: PrepareConfiguration.Phantom } phantom ? PrepareStage.SizeOf(phantom) : null;

    /// <summary>What a training sees: its normalisation; the whole training list, if it takes more labels than the experiment.</summary>
    public DataSet DataFor(RunConfiguration configuration) => Data with
    {
        Train = configuration.Labelled > experiment.Labelled ? All.Train : Data.Train,
        Normalization = configuration.Normalization ?? Data.Normalization,
    };

    public IReadOnlyList<Case> Labelled => Data.Labelled(experiment.Labelled);

    public IReadOnlyList<Case> Unlabelled => Data.Unlabelled(experiment.Labelled);

    public string LabelledHash => _labelledHash ??= Fingerprint.OfCases(Data, Labelled);

    public string UnlabelledHash => _unlabelledHash ??= Fingerprint.OfCases(Data, Unlabelled);

    public string TrainHash => _trainHash ??= Fingerprint.OfCases(All, All.Train);

    public string ValidationHash => _validationHash ??= Fingerprint.OfCases(Data, Data.WithLabels(Data.Validation));

    /// <summary>Of the cases that a run is validated on; empty without.</summary>
    public string HashOf(ValidationConfiguration? validation) => validation?.On switch
    {
        null => "",
        ValidationCases.Test => TestHash,
        _ => ValidationHash,
    };

    public string TestHash => _testHash ??= Fingerprint.OfCases(Data, Data.WithLabels(Data.Test));

    /// <summary>Of the checkpoint that SAM begins with; null for random weights.</summary>
    public string? SamHash => _samHash ??= experiment.FineTuning?.Sam.Hash();

    /// <exception cref="BadDataException">The checkpoint of SAM is another one than its published name says.</exception>
    public void VerifySam() => _ = SamHash;

    /// <summary>The kind and the precision of the device that was opened last; null before the first.</summary>
    public string? Arithmetic { get; set; }

    /// <summary>A device; whoever opens it closes it.</summary>
    public Device OpenDevice()
    {
        Device device = openDevice();
        Arithmetic = device.Arithmetic;
        return device;
    }

    /// <summary>A session on a device of its own, which is closed with it.</summary>
    public (Device Device, Session Session) Open(ulong seed)
    {
        Device device = OpenDevice();
        return (device, new Session(device, seed));
    }

    /// <summary>What a stage that is complete has made.</summary>
    public string OutputsOf(string stage) => _records[stage].Fingerprint;

    /// <summary>How many seconds it took.</summary>
    public double TimeOf(string stage) => _records[stage].Seconds;

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
