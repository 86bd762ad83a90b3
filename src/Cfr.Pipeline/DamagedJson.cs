using System.Text.Json;

namespace Cfr.Pipeline;

/// <summary>What is wrong with a JSON file, in one line: the file, the line, the fault.</summary>
static class DamagedJson
{
    /// <summary>The fault that the reader found.</summary>
    /// <param name="path">The file.</param>
    /// <param name="fault">What the reader said.</param>
    /// <param name="line">The line, counted from 1, where the reader saw it alone.</param>
    public static BadDataException In(string path, JsonException fault, int? line = null)
    {
        string where = (line ?? fault.LineNumber + 1) is { } number ? $" line {number}:" : "";
        string what = fault.Message.Contains("could not be converted")
            ? $"'{fault.Path?.TrimStart('$', '.')}' has a value that makes no sense there"
            : fault.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0].ReplaceLineEndings(" ");
        return new BadDataException($"{path}:{where} {what}", fault);
    }
}
