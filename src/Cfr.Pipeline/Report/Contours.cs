using System.Globalization;
using System.Text;

namespace Cfr.Pipeline.Report;

/// <summary>Outlines of labels, exactly along the edges between pixels.</summary>
static class Contours
{
    /// <summary>
    /// An SVG path with a line wherever two neighbouring pixels of <c>[rows, columns]</c> have different labels, the
    /// outside being background. A unit is a pixel; straight runs are one line.
    /// </summary>
    public static string Path(byte[,] labels)
    {
        int rows = labels.GetLength(0), columns = labels.GetLength(1);
        var path = new StringBuilder();
        byte At(int row, int column) =>
            row < 0 || column < 0 || row >= rows || column >= columns ? (byte)0 : labels[row, column];

        for (int row = 0; row <= rows; row++)
            foreach (var (start, length) in Runs(columns, column => At(row - 1, column) != At(row, column)))
                path.Append(CultureInfo.InvariantCulture, $"M{start} {row}h{length}");
        for (int column = 0; column <= columns; column++)
            foreach (var (start, length) in Runs(rows, row => At(row, column - 1) != At(row, column)))
                path.Append(CultureInfo.InvariantCulture, $"M{column} {start}v{length}");
        return path.ToString();
    }

    static IEnumerable<(int Start, int Length)> Runs(int count, Func<int, bool> isEdge)
    {
        for (int i = 0; i < count; i++)
        {
            if (!isEdge(i)) continue;
            int start = i;
            while (i + 1 < count && isEdge(i + 1)) i++;
            yield return (start, i + 1 - start);
        }
    }
}
