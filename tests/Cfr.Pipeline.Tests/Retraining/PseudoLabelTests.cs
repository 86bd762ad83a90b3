using Cfr.Kernels;
using Cfr.Models;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Networks;
using Cfr.Pipeline.Retraining;
using Cfr.Pipeline.Tests.Datasets;
using Cfr.Pipeline.Tests.Training;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors;

namespace Cfr.Pipeline.Tests.Retraining;

/// <summary>Labels of unlabelled cases, from files: case a is labelled, case b is not.</summary>
public sealed class PseudoLabelTests : IDisposable
{
    readonly SmallDataSet _files = new();
    readonly Device _device = Device.Open("cpu");

    public void Dispose()
    {
        _device.Dispose();
        _files.Dispose();
    }

    TrainingConfiguration Settings { get; } = new()
    {
        // A batch of one patch leaves one voxel at the bottom, too few for a norm.
        Network = new(Architecture.VNet, Filters: 1, Classes: 3, Normalization: Models.Normalization.None),
        Method = MethodKind.MeanTeacher,
        Labelled = 1,
        Iterations = 3,
        Batch = 2,
        Patch = new(16, 16, 16),
        CheckpointEvery = 1,
    };

    [Fact]
    public void A_run_goes_on_with_a_checkpoint_that_was_moved_but_with_no_other_network()
    {
        using var folder = new TestKit.TemporaryFolder();
        PseudoLabelConfiguration labels = new(PseudoLabelSource.Network, "model.safetensors", Sam: "here.pth");
        string run = folder.File("run");
        RunFolder.Create(run, Settings with { PseudoLabels = labels }).Begin();
        TrainingConfiguration moved = Settings with { PseudoLabels = labels with { Sam = "there.pth" } };
        Assert.Equal("there.pth", RunFolder.Open(run, moved).Configuration.PseudoLabels!.Sam);
        TrainingConfiguration other = Settings with { PseudoLabels = labels with { Path = "other.safetensors" } };
        Assert.Contains("pseudoLabels", Assert.Throws<ArgumentException>(() => RunFolder.Open(run, other)).Message);
    }

    [Theory, InlineData(MethodKind.MeanTeacher), InlineData(MethodKind.Acmt), InlineData(MethodKind.SelfTraining)]
    public void The_true_label_of_an_unlabelled_case_is_never_looked_at(MethodKind method)
    {
        TrainingConfiguration settings = Settings with { Method = method, SelfTraining = new(Rounds: 1) };
        Assert.True(Train("before", settings));
        File.WriteAllText(_files.Path("labels/b.nii.gz"), "no label map at all");
        Assert.True(Train("damaged", settings));
        File.Delete(_files.Path("labels/b.nii.gz"));
        Assert.True(Train("deleted", settings));
        byte[] model = File.ReadAllBytes(_files.Path("before/model.safetensors"));
        Assert.Equal(model, File.ReadAllBytes(_files.Path("damaged/model.safetensors")));
        Assert.Equal(model, File.ReadAllBytes(_files.Path("deleted/model.safetensors")));
    }

    [Fact]
    public void Pseudo_labels_of_a_folder_are_turned_and_cut_with_the_images()
    {
        DataSet data = DataSetFile.Open(_files.Folder);
        Volume image = SmallDataSet.Image(1);
        WritePseudoLabel(new LabelMap(image.Geometry, [.. image.Voxels.Select(voxel => voxel > 70 ? (byte)2 : (byte)0)]));
        Case pseudo = Assert.Single(new FolderPseudoLabels(_files.Path("pseudo")).Cases(data.Unlabelled(1)));
        LoadedCase loaded = data.Read(pseudo);
        float bound = loaded.Image.Where((_, i) => loaded.Label![i] == 2).Min();
        Assert.InRange(bound, 0.1f, 2);
        using var loader = new BatchLoader(
            [pseudo], data.Store(), new ShuffledSampler(1, 1, 3), new Sampling(new(7, 6, 5), RotateFlip: true), seed: 3);
        int seen = 0;
        for (int i = 0; i < 20; i++)
        {
            using Batch batch = loader.Next(TestContext.Current.CancellationToken);
            for (int k = 0; k < batch.Images.Length; k++) Assert.Equal(batch.Images[k] >= bound ? 2 : 0, batch.Labels[k]);
            seen += batch.Labels.ToArray().Count(label => label == 2);
        }
        Assert.True(seen > 100, $"{seen}");
    }

    [Fact]
    public void Training_sees_the_pseudo_labels_of_the_folder()
    {
        TrainingConfiguration settings = Settings with { PseudoLabels = new(PseudoLabelSource.Folder, _files.Path("pseudo")) };
        byte[][] models =
        [
            .. Enumerable.Range(0, 3).Select(i =>
            {
                WritePseudoLabel(SmallDataSet.Label(i / 2 * 5));
                Assert.True(Train($"run{i}", settings));
                return File.ReadAllBytes(_files.Path($"run{i}/model.safetensors"));
            }),
        ];
        Assert.Equal(models[0], models[1]);
        Assert.NotEqual(models[0], models[2]);
    }

    [Fact]
    public void A_network_file_labels_while_it_is_trained_on()
    {
        string file = _files.Path("teacher.safetensors");
        var network = new NetworkConfiguration(Architecture.VNet, Filters: 2, Classes: 3).Create(new Weights(new Session(_device), seed: 4));
        NetworkFile.Save(network, file);
        TrainingConfiguration settings = Settings with { PseudoLabels = new(PseudoLabelSource.Network, file) };
        Assert.True(Train("run", settings));
        Assert.True(Train("alone", Settings));
        Assert.NotEqual(File.ReadAllBytes(_files.Path("alone/model.safetensors")), File.ReadAllBytes(_files.Path("run/model.safetensors")));
        Assert.All(TrainingLog.Read(_files.Path("run/log.jsonl")), line => Assert.True((float)line["pseudoLabels"]! > 0));
    }

    [Fact]
    public void Labels_are_written_in_the_files_order_of_axes()
    {
        _files.WriteList(SmallDataSet.List.Replace("\"name\"", "\"axes\": \"zxy\", \"name\""));
        DataSet data = DataSetFile.Open(_files.Folder);
        LoadedCase truth = data.Read(data.Train[1]);
        Directory.CreateDirectory(_files.Path("pseudo"));
        data.WriteLabels(_files.Path("pseudo/b.nii.gz"), new LabelMap(truth.Geometry, truth.Label!));
        LabelMap written = VolumeFile.ReadLabels(_files.Path("pseudo/b.nii.gz")), original = VolumeFile.ReadLabels(_files.Path("labels/b.nii.gz"));
        Assert.Equal(original.Voxels, written.Voxels);
        Assert.True(original.Geometry.Affine.IsNear(written.Geometry.Affine));
    }

    [Fact]
    public void A_missing_or_unfit_pseudo_label_is_named_before_anything_is_written()
    {
        Refused<BadDataException>("pseudo: no such folder");
        Directory.CreateDirectory(_files.Path("pseudo"));
        Refused<BadDataException>("b.nii.gz: no such file; expected the pseudo label of case b");
        WritePseudoLabel(new LabelMap(Geometry.Unit(new(4, 4, 4)), new byte[64]));
        Refused<BadDataException>("b.nii.gz: 4x4x4 voxels; expected 9x8x7");
        LabelMap wrong = SmallDataSet.Label(1);
        wrong.Voxels[9] = 3;
        WritePseudoLabel(wrong);
        Refused<BadDataException>("b.nii.gz: label 3 at voxel");
    }

    [Fact]
    public void Settings_that_make_no_sense_are_refused()
    {
        Refused<ArgumentException>("labelled is 2 of the 2 training cases of small: 0 are left", Settings with { Labelled = 2 });
        Refused<ArgumentException>("3 labelled cases of small, which has 2", Settings with { Labelled = 3 });
        Refused<ArgumentException>("batch is 3; expected an even number", Settings with { Batch = 3 });
        Refused<ArgumentException>("pseudoLabels.path is missing", Settings with { PseudoLabels = new(PseudoLabelSource.Network) });
        Refused<ArgumentException>("which the method supervised does not look at",
            Settings with { Method = MethodKind.Supervised, PseudoLabels = new(PseudoLabelSource.Folder, "x") });
        Refused<ArgumentException>("selfTraining.stride is 17x1x1", Settings with { SelfTraining = new(Stride: new(17, 1, 1)) });
        Refused<ArgumentException>("acmt.passes is 3", Settings with { Acmt = new(Passes: 3) });
        Refused<ArgumentException>("teacher.decay is 1", Settings with { Teacher = new(Decay: 1) });
        Refused<ArgumentException>("consistency.every is 0", Settings with { Consistency = new(Every: 0) });
    }

    void Refused<T>(string reason, TrainingConfiguration? settings = null) where T : Exception
    {
        settings ??= Settings with { PseudoLabels = new(PseudoLabelSource.Folder, _files.Path("pseudo")) };
        foreach (MethodKind method in settings.Method == MethodKind.Supervised ? (MethodKind[])[settings.Method] : [settings.Method, MethodKind.SelfTraining])
        {
            Assert.Contains(reason, Assert.Throws<T>(() => Train("refused", settings with { Method = method })).Message);
            Assert.False(Directory.Exists(_files.Path("refused")));
        }
    }

    void WritePseudoLabel(LabelMap labels)
    {
        Directory.CreateDirectory(_files.Path("pseudo"));
        VolumeFile.Write(_files.Path("pseudo/b.nii.gz"), labels);
    }

    bool Train(string name, TrainingConfiguration settings)
    {
        DataSet data = DataSetFile.Open(_files.Folder);
        RunFolder run = RunFolder.Create(_files.Path(name), settings);
        return new RetrainingRun(new Session(_device, settings.Seed), settings, data, run).Execute(new SmallTask.Silent());
    }
}
