using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>Another recipe's first cases of the training list and of the test list, and none to validate.</summary>
sealed class FirstCases(IRecipe recipe, int? train, int? test) : IRecipe
{
    public string Signature => $"{recipe.Signature}, first {train?.ToString() ?? "all"} and {test?.ToString() ?? "all"}";

    public IReadOnlyList<Case> Find(string folder) => recipe.Find(folder);

    public DataSetList Describe(IReadOnlyList<string> found)
    {
        DataSetList list = recipe.Describe(found);
        return list with
        {
            Name = $"{list.Name} (part)",
            Train = [.. list.Train.Take(train ?? int.MaxValue)],
            Validation = null,
            Test = [.. (list.Test ?? []).Take(test ?? int.MaxValue)],
        };
    }

    public (Volume Image, LabelMap Label) Prepare(Case raw, ulong seed) => recipe.Prepare(raw, seed);
}
