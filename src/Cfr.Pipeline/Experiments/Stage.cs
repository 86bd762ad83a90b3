namespace Cfr.Pipeline.Experiments;

/// <summary>
/// A part of an experiment. It runs if its results are not there, or were made of something else; stopped in the middle it
/// goes on where it was.
/// </summary>
abstract class Stage(StageContext context)
{
    /// <summary>A few words: <c>fine-tune</c>, <c>train mean-teacher</c>.</summary>
    public abstract string Name { get; }

    /// <summary>All that its results depend on, as texts.</summary>
    public abstract IEnumerable<string> Inputs { get; }

    /// <summary>Folders and files that are its own; they go when its inputs have changed.</summary>
    public abstract IReadOnlyList<string> Owned { get; }

    /// <summary>The results that later stages read, once it is complete. They depend on the inputs alone.</summary>
    public abstract IEnumerable<string> Outputs { get; }

    protected StageContext Context => context;

    protected ExperimentFolder Folder => context.Folder;

    /// <summary>Does the work, or goes on with it.</summary>
    /// <returns>What came out, in a few words, if there is something to say.</returns>
    /// <exception cref="OperationCanceledException">It was stopped; what is done is kept.</exception>
    public abstract string? Run();

    /// <summary>What it will take.</summary>
    /// <param name="state">What there is already; of what is done nothing is measured.</param>
    public abstract StageCost Cost(StageState state);

    /// <summary>Removes everything that is its own.</summary>
    public void Clear()
    {
        foreach (string path in Owned)
        {
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
            else if (File.Exists(path)) File.Delete(path);
        }
    }
}
