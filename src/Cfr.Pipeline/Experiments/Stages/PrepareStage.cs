using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Experiments;

/// <summary>Makes the data set.</summary>
sealed class PrepareStage(StageContext context, PrepareConfiguration prepare) : Stage(context)
{
    static readonly GridSize PhantomSize = new(96, 96, 64);

    public override string Name => "prepare";

    public override IEnumerable<string> Inputs =>
        [ConfigurationFile.Write(prepare), Preparation().Signature, .. Preparation().Sources()];

    public override IReadOnlyList<string> Owned => [Folder.Data];

    public override IEnumerable<string> Outputs =>
        Directory.EnumerateFiles(Folder.Data, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal);

    public override string Run()
    {
        Preparation().Run(
            Folder.Data, (done, all, _) => Context.Observer.Progressed("preparing", done, all), Context.Stop);
        Context.DataIsMade();
        DataSet data = Context.Data;
        return $"{data.Train.Count} cases to train on, {data.Test.Count} to test on";
    }

    public override StageCost Cost(StageState state) => new(Preparation().Signature);

    /// <summary>Voxels of a phantom.</summary>
    public static GridSize SizeOf(PrepareConfiguration prepare)
    {
        GridSize size = prepare.Size ?? PhantomSize;
        return new GridSize(size.X / prepare.Shrink, size.Y / prepare.Shrink, size.Z / prepare.Shrink);
    }

    /// <summary>The list that there will be.</summary>
    public static DataSet Planned(ExperimentConfiguration experiment, PrepareConfiguration prepare) =>
        Preparation(experiment, prepare).Planned();

    DataSetPreparation Preparation() => Preparation(Context.Experiment, prepare);

    static DataSetPreparation Preparation(ExperimentConfiguration experiment, PrepareConfiguration prepare)
    {
        DataSetPreparation all = prepare.Recipe == PrepareConfiguration.Phantom
            ? DataSetPreparation.OfPhantom(prepare.Cases, prepare.Size ?? PhantomSize, prepare.Organs, experiment.Seed)
            : DataSetPreparation.Of(prepare.Recipe, prepare.From!, experiment.Seed);
        return all.Shrink(prepare.Shrink).First(experiment.Labelled + experiment.Unlabelled, experiment.Test);
    }
}
