using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Inference;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Retraining;

/// <summary>
/// Self-training in rounds. A teacher learns from the labelled cases (<c>teacher/</c>) and gives whole-volume labels to the
/// others (<c>teacher/labels/</c>); a new student learns from both (<c>round-1/</c>) and is the next round's teacher. With
/// pseudo labels given, those of a folder take the place of the teacher's, and a network that of the teacher (CFR's
/// self-training). Each network has a seed of its own, the run's plus its number.
/// </summary>
sealed class SelfTrainingRun
{
    readonly MethodContext _context;
    readonly RunFolder _run;
    readonly Func<CaseStore> _stores;
    readonly IReadOnlyList<Case> _labelled, _unlabelled;

    /// <exception cref="BadDataException">A label or a pseudo label is missing.</exception>
    public SelfTrainingRun(MethodContext context, RunFolder run, Func<CaseStore> stores)
    {
        (_context, _run, _stores) = (context, run, stores);
        _labelled = context.Configuration.LabelledCases(context.Data);
        _unlabelled = context.Data.Unlabelled(_labelled.Count);
        if (context.PseudoLabels is { } labels) _unlabelled = labels.Cases(_unlabelled);
    }

    TrainingConfiguration Configuration => _context.Configuration;

    /// <summary>Goes through all rounds; false if it was stopped.</summary>
    public bool Execute(ITrainingObserver observer, CancellationToken stop)
    {
        if (File.Exists(_run.Model)) return true;
        try
        {
            Case[] cases = [.. _labelled, .. _unlabelled];
            _stores().Load(
                cases, Math.Min(2, Environment.ProcessorCount), done => observer.Loading(done, cases.Length), stop);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        _run.Begin();
        if (FirstLabels(observer, stop) is not { } labels) return false;
        int rounds = Configuration.SelfTraining.Rounds;
        RunFolder? student = null;
        for (int round = 1; round <= rounds; round++)
        {
            TrainingConfiguration settings = Configuration with
            {
                Seed = Configuration.Seed + (ulong)round,
                PseudoLabels = new(PseudoLabelSource.Folder, Path: null, Configuration.PseudoLabels?.Weight ?? 1),
            };
            student = _run.Part($"round-{round}", settings);
            if (!Train($"round {round} of {rounds}", student, settings, labels, observer, stop)) return false;
            if (round == rounds) break;
            if (Label($"labels of round {round}", student, null, observer, stop) is not { } next) return false;
            labels = next;
        }
        byte[] model = File.ReadAllBytes(student!.Model);
        AtomicFile.Write(_run.Model, stream => stream.Write(model));
        return true;
    }

    IPseudoLabels? FirstLabels(ITrainingObserver observer, CancellationToken stop)
    {
        if (_context.PseudoLabels is { } given and not NetworkPseudoLabels) return given;
        TrainingConfiguration settings = Configuration with { Method = MethodKind.Supervised, PseudoLabels = null };
        RunFolder teacher = _run.Part("teacher", settings);
        if (_context.PseudoLabels is NetworkPseudoLabels frozen)
            return Label($"labels of {frozen.Description}", teacher, frozen.Network, observer, stop);
        return Train("teacher", teacher, settings, null, observer, stop)
            ? Label("labels of the teacher", teacher, null, observer, stop)
            : null;
    }

    /// <summary>Trains a network to the end, unless it has given labels already.</summary>
    bool Train(
        string stage, RunFolder folder, TrainingConfiguration settings, IPseudoLabels? labels, ITrainingObserver observer,
        CancellationToken stop)
    {
        if (Directory.Exists(folder.Labels)) return true;
        observer.Stage(stage);
        var session = new Session(_context.Session.Device, settings.Seed);
        IMethod method = Methods.Create(new MethodContext(session, settings, _context.Data, labels));
        return new Trainer(session, settings, method, _context.Data, _stores(), folder).Run(observer, stop);
    }

    /// <summary>Gives labels to all unlabelled cases that have none in the folder yet; null if it was stopped.</summary>
    FolderPseudoLabels? Label(
        string stage, RunFolder folder, IVolumeNetwork? network, ITrainingObserver observer, CancellationToken stop)
    {
        observer.Stage(stage);
        Directory.CreateDirectory(folder.Labels);
        CaseStore scans = _stores();
        SlidingWindow windows = Configuration.SelfTraining.Windows(Configuration.Patch);
        for (int i = 0; i < _unlabelled.Count; i++)
        {
            observer.Labelling(i, _unlabelled.Count);
            if (stop.IsCancellationRequested) return null;
            string path = FolderPseudoLabels.PathOf(folder.Labels, _unlabelled[i]);
            if (File.Exists(path)) continue;
            network ??= new VolumeNetwork(NetworkFile.Load(new Session(_context.Session.Device), folder.Model));
            LoadedCase scan = scans.Get(_unlabelled[i]);
            Prediction found = windows.Predict(
                network.Weights.Session, network.Logits, new Volume(scan.Geometry, scan.Image));
            _context.Data.WriteLabels(path, found.Labels);
        }
        observer.Labelling(_unlabelled.Count, _unlabelled.Count);
        return new FolderPseudoLabels(folder.Labels);
    }
}
