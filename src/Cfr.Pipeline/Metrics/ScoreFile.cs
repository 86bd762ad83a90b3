using System.Globalization;
using System.Text;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Metrics;

/// <summary>Scores as comma-separated values: a line for each class of each case.</summary>
public static class ScoreFile
{
    /// <summary>Writes the file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cases">The scores.</param>
    /// <param name="nameOf">Name of a class.</param>
    public static void Write(string path, IEnumerable<CaseScore> cases, Func<int, string> nameOf)
    {
        var text = new StringBuilder("case,class,name,");
        text.AppendJoin(',', Metric.All.Select(metric => metric.Name)).Append(",predicted_voxels,true_voxels,empty\n");
        foreach (CaseScore scored in cases)
            foreach (ClassScore score in scored.Classes)
            {
                text.Append(Quoted(scored.Case)).Append(',').Append(score.Class).Append(',').Append(Quoted(nameOf(score.Class)));
                foreach (Metric metric in Metric.All)
                    text.Append(',').Append(metric.Of(score).ToString("R", CultureInfo.InvariantCulture));
                text.Append(CultureInfo.InvariantCulture, $",{score.PredictedVoxels},{score.TrueVoxels},{Empty(score)}\n");
            }
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        AtomicFile.Write(path, file => file.Write(bytes));
    }

    static string Empty(ClassScore score) => (score.IsPredictionEmpty, score.IsTruthEmpty) switch
    {
        (true, true) => "both",
        (true, false) => "prediction",
        (false, true) => "reference",
        _ => "",
    };

    static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"")}\"";
}
