using Cfr.Pipeline.Datasets;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Experiments;

/// <summary>Makes the data set.</summary>
sealed class PrepareStage(StageContext context, PrepareConfiguration prepare) : Stage(context)
{
    static readonly GridSize PhantomSize = new(96, 96, 64);

    public override string Name => "prepare";

    public override IEnumerable<string> Inputs => [Preparation().Signature];

    public override IReadOnlyList<string> Owned => [Folder.Data];

    public override IEnumerable<string> Outputs => [Path.Combine(Folder.Data, DataSetFile.FileName)];

    public override string Run()
    {
        Preparation().Run(
            Folder.Data, (done, all, name) => Context.Observer.Progressed(name, done, all), Context.Stop);
        DataSet data = Context.Data;
        return $"{data.Train.Count} cases to train on, {data.Test.Count} to test on";
    }

    DataSetPreparation Preparation()
    {
        ExperimentConfiguration experiment = Context.Experiment;
        DataSetPreparation all = prepare.Recipe == PrepareConfiguration.Phantom
            ? DataSetPreparation.OfPhantom(prepare.Cases, prepare.Size ?? PhantomSize, prepare.Organs, experiment.Seed)
            : DataSetPreparation.Of(prepare.Recipe, prepare.From!, experiment.Seed);
        return all.Shrink(prepare.Shrink).First(experiment.Labelled + experiment.Unlabelled, experiment.Test);
    }
}
