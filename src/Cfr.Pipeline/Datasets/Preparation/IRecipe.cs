using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Datasets;

/// <summary>What makes a data set of what users download.</summary>
interface IRecipe
{
    /// <summary>What is prepared, and how, in a word or a line: a folder continues only what it was begun with.</summary>
    string Signature { get; }

    /// <summary>The cases below a folder, by name.</summary>
    /// <exception cref="BadDataException">A part of a case is missing.</exception>
    IReadOnlyList<Case> Find(string folder);

    /// <summary>The list to be written: classes, geometry, and the names of each split.</summary>
    DataSetList Describe(IReadOnlyList<string> found);

    /// <summary>One case, ready to be written.</summary>
    (Volume Image, LabelMap Label) Prepare(Case raw, ulong seed);
}
