namespace Cfr.Tensors.Files;

/// <summary>
/// A file of tensors cannot be read: it is damaged, hostile, or of a kind that is not supported. The message is one
/// line that begins with the file's name and says what was found and what was expected.
/// </summary>
public sealed class WeightFileException : Exception
{
    const int LongestReason = 600;

    internal WeightFileException(string path, string reason, Exception? inner = null)
        : base(OneLine(path) + ": " + OneLine(Shorten(reason)), inner) => Path = path;

    /// <summary>The file that was refused.</summary>
    public string Path { get; }

    static string Shorten(string reason) =>
        reason.Length <= LongestReason ? reason : string.Concat(reason.AsSpan(0, LongestReason), "...");

    // Names come from the file: a line break or a terminal's control sequence in one must not reach the console.
    internal static string OneLine(string text) => string.Create(text.Length, text, static (characters, text) =>
    {
        for (int i = 0; i < text.Length; i++)
        {
            bool harmless = !char.IsControl(text[i]) && text[i] is not ('\u2028' or '\u2029');
            characters[i] = harmless ? text[i] : '?';
        }
    });
}
