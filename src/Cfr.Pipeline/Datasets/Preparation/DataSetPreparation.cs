using System.Text.Json;
using Cfr.Pipeline.Volumes;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Datasets;

/// <summary>
/// Writes a data set: <c>images/</c>, <c>labels/</c>, and <c>dataset.json</c> at the end. Each file is written whole or
/// not at all, so a preparation that was stopped goes on where it was; nothing that is there is written again.
/// </summary>
public sealed class DataSetPreparation
{
    const string Record = "preparation.json";

    readonly IRecipe _recipe;
    readonly string _input;
    readonly ulong _seed;

    DataSetPreparation(IRecipe recipe, string input, ulong seed) => (_recipe, _input, _seed) = (recipe, input, seed);

    /// <summary>Data sets that <see cref="Of"/> knows.</summary>
    public static IReadOnlyList<string> Names => [.. Recipes.Keys];

    static readonly Dictionary<string, IRecipe> Recipes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["la"] = new LeftAtrium(),
        ["brats2019"] = new Brats2019(),
        ["btcv"] = new Btcv(),
        ["mact"] = new Mact(),
    };

    /// <summary>Of a public data set, from the folder into which it was downloaded.</summary>
    /// <exception cref="ArgumentException">No such data set.</exception>
    public static DataSetPreparation Of(string name, string input, ulong seed)
    {
        if (!Recipes.TryGetValue(name, out IRecipe? recipe))
            throw new ArgumentException($"no recipe for data set '{name}'; known are {string.Join(", ", Names)}, phantom");
        if (!Directory.Exists(input)) throw new DirectoryNotFoundException($"{input}: no such folder");
        return new DataSetPreparation(recipe, input, seed);
    }

    /// <summary>Of generated scans.</summary>
    /// <exception cref="ArgumentException">Numbers that make no scans.</exception>
    public static DataSetPreparation OfPhantom(int cases, GridSize size, int organs, ulong seed) =>
        new(new Phantom(cases, size, organs, seed), "", seed);

    /// <summary>The same scans with <paramref name="factor"/> voxels along each axis made one.</summary>
    public DataSetPreparation Shrink(int factor) =>
        factor == 1 ? this : factor > 1 ? new(new Shrunk(_recipe, factor), _input, _seed)
        : throw new ArgumentException($"scans shrunk by {factor}; expected at least 1");

    /// <summary>The first cases of the lists alone.</summary>
    /// <param name="train">How many to train on; null for all.</param>
    /// <param name="test">How many to test on; null for all.</param>
    public DataSetPreparation First(int? train, int? test) =>
        train is null && test is null ? this : new(new FirstCases(_recipe, train, test), _input, _seed);

    /// <summary>What is prepared, and how, in a line.</summary>
    public string Signature => $"{_recipe.Signature}, seed {_seed}";

    /// <summary>The files that it is made of: a line each with size and time of the last change.</summary>
    internal IEnumerable<string> Sources() => _recipe.Find(_input)
        .SelectMany(each => new[] { each.ImagePath, each.LabelPath }).Where(path => !string.IsNullOrEmpty(path)).Distinct()
        .Select(path => new FileInfo(path!)).Select(file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc:O}");

    /// <summary>The data set that there will be; its files are not there yet.</summary>
    internal DataSet Planned()
    {
        DataSetList list = _recipe.Describe([.. _recipe.Find(_input).Select(each => each.Name)]);
        return new DataSet
        {
            Name = list.Name,
            ListPath = _recipe.Signature,
            Classes = list.Classes,
            Normalization = list.Normalization ?? Normalization.ZScore,
            Train = Cases(list.Train),
            Validation = Cases(list.Validation),
            Test = Cases(list.Test),
        };

        Case[] Cases(IReadOnlyList<string>? names) => [.. (names ?? []).Select(name => new Case(name, "", ""))];
    }

    /// <summary>Prepares what is not there yet.</summary>
    /// <param name="output">A new folder, or one that this preparation began.</param>
    /// <param name="progress">Told about each case: how many are done, of how many, and its name.</param>
    /// <param name="cancel">Stops between cases.</param>
    /// <returns>Cases that were found and belong to no split.</returns>
    public IReadOnlyList<string> Run(
        string output, Action<int, int, string>? progress = null, CancellationToken cancel = default)
    {
        Dictionary<string, Case> found = _recipe.Find(_input).ToDictionary(each => each.Name);
        DataSetList list = _recipe.Describe([.. found.Keys]);
        string[] listed = [.. list.Train, .. list.Validation ?? [], .. list.Test ?? []];
        string[] missing = [.. listed.Where(name => !found.ContainsKey(name))];
        if (missing.Length > 0)
            throw new BadDataException($"{_input}: {missing.Length} of {listed.Length} cases of {list.Name} are not there,"
                + $" the first of them {missing[0]}; expected all of the published lists");

        Begin(output);
        for (int i = 0; i < listed.Length; i++)
        {
            cancel.ThrowIfCancellationRequested();
            string name = listed[i];
            string image = Path.Combine(output, list.Images.Replace("{case}", name));
            string label = Path.Combine(output, list.Labels.Replace("{case}", name));
            if (!File.Exists(image) || !File.Exists(label))
            {
                var prepared = _recipe.Prepare(found[name], _seed);
                VolumeFile.Write(label, prepared.Label);
                VolumeFile.Write(image, prepared.Image);
            }
            progress?.Invoke(i + 1, listed.Length, name);
        }
        End(output, list);
        return [.. found.Keys.Except(listed).Order(StringComparer.Ordinal)];
    }

    void Begin(string output)
    {
        string path = Path.Combine(output, Record);
        byte[] record = JsonSerializer.SerializeToUtf8Bytes(new { Recipe = _recipe.Signature, Seed = _seed });
        if (File.Exists(path))
        {
            if (!File.ReadAllBytes(path).AsSpan().SequenceEqual(record))
                throw new BadDataException($"{path}: holds {File.ReadAllText(path)}; expected"
                    + $" {System.Text.Encoding.UTF8.GetString(record)}; take a new folder, or remove this one");
        }
        else if (AtomicFile.HoldsAnything(output))
        {
            throw new BadDataException($"{output}: not empty; expected a new folder, or one of a preparation that was stopped");
        }
        // The record first: a preparation that ends here can go on.
        Directory.CreateDirectory(output);
        AtomicFile.Write(path, stream => stream.Write(record));
        Directory.CreateDirectory(Path.Combine(output, "images"));
        Directory.CreateDirectory(Path.Combine(output, "labels"));
    }

    void End(string output, DataSetList list)
    {
        string path = Path.Combine(output, DataSetFile.FileName);
        byte[]? before = File.Exists(path) ? File.ReadAllBytes(path) : null;
        byte[] now = DataSetFile.Bytes(list);
        if (before is not null && !before.AsSpan().SequenceEqual(now))
            throw new BadDataException($"{path}: differs from the list that belongs to this preparation; remove it to have that written");
        AtomicFile.Write(path, stream => stream.Write(now));
    }
}
