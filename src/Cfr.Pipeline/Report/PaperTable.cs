using System.Globalization;

namespace Cfr.Pipeline.Report;

/// <summary>
/// The tables of the paper (<i>Concatenate, Fine-tuning, Re-training</i>), as far as they have scores: a value for each
/// data set, number of labelled cases, method and metric.
/// </summary>
static class PaperTable
{
    const string Resource = "report/paper-tables.csv";

    static readonly Lazy<Entry[]> Entries = new(Read);

    /// <summary>
    /// What the paper reports for a method; Dice and Jaccard in percent, distances in voxels, by the metric's title.
    /// </summary>
    /// <param name="dataset">As the paper names it: LA, BraTS2019, BTCV, MACT.</param>
    /// <param name="labelled">Labelled cases; an upper bound has all, whatever is asked for.</param>
    /// <param name="method">The method.</param>
    /// <returns>Number of the table and its values by the titles of metrics, or null.</returns>
    public static (string Table, IReadOnlyDictionary<string, double> Values)? Find(
        string? dataset, int labelled, MethodName method)
    {
        Entry[] found = [.. Entries.Value.Where(entry =>
            entry.Dataset.Equals(dataset, StringComparison.OrdinalIgnoreCase) && (entry.Organ is "" or "AVG")
            && (entry.Labelled == labelled || method.Role == MethodRole.UpperBound) && method.IsInPaperAs(entry.Method))];
        if (found.Length == 0) return null;
        string table = found[0].Table;
        return (table, found.Where(entry => entry.Table == table).ToDictionary(entry => entry.Metric, entry => entry.Value));
    }

    static Entry[] Read()
    {
        using Stream stream = typeof(PaperTable).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream);
        // The columns that are read hold no commas; the last one, a note, may.
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(line => line.Split(',')).Where(cells => cells[5] != "Params")
            .Select(cells => new Entry(
                cells[0], cells[1], int.Parse(cells[2], CultureInfo.InvariantCulture), cells[4], cells[5], cells[6],
                double.Parse(cells[7], CultureInfo.InvariantCulture)))];
    }

    sealed record Entry(string Table, string Dataset, int Labelled, string Method, string Metric, string Organ, double Value);
}
