namespace Cfr.Pipeline.Configuration;

/// <summary>What somebody may have meant.</summary>
static class Nearest
{
    /// <summary>The word with the fewest letters to change, if these are at most a third of it; otherwise null.</summary>
    static string? Of(string word, IEnumerable<string> words)
    {
        var best = words.Select(known => (Known: known, Distance: Distance(word, known)))
            .OrderBy(pair => pair.Distance).FirstOrDefault();
        return best.Known is { } found && best.Distance <= Math.Max(1, Math.Max(word.Length, found.Length) / 3) ? found : null;
    }

    /// <summary>A question about it for a message, or nothing.</summary>
    public static string Suggestion(string word, IEnumerable<string> words) =>
        Of(word, words) is { } meant ? $"did you mean '{meant}'? " : "";

    /// <summary>Letters to insert, delete or replace (Levenshtein 1966), whatever their case.</summary>
    static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, 1 + Math.Min(row[j], row[j - 1]));
            }
        }
        return row[^1];
    }
}
