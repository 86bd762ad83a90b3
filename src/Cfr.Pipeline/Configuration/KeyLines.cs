using System.Text;
using System.Text.Json;

namespace Cfr.Pipeline.Configuration;

/// <summary>The lines of a JSON text in which its keys stand.</summary>
sealed class KeyLines
{
    readonly Dictionary<string, int> _lines = [];
    readonly List<(string Path, string Source)> _sources = [];

    /// <summary>Those of a text that is valid JSON, comments and trailing commas allowed.</summary>
    public static KeyLines Of(string text)
    {
        var found = new KeyLines();
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions
        {
            CommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
        });
        var path = new Stack<string>();
        int line = 1, counted = 0;
        string key = "";
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                int at = (int)reader.TokenStartIndex;
                line += bytes.AsSpan(counted, at - counted).Count((byte)'\n');
                counted = at;
                key = string.Concat(path.Reverse()) + reader.GetString();
                found._lines.TryAdd(key, line);
            }
            else if (reader.TokenType is JsonTokenType.StartObject && reader.CurrentDepth > 0)
            {
                path.Push(key[path.Sum(part => part.Length)..] + ".");
            }
            else if (reader.TokenType is JsonTokenType.EndObject && path.Count > 0)
            {
                path.Pop();
            }
        }
        return found;
    }

    /// <summary>A key whose value does not stand in the text any more.</summary>
    public void Forget(string key) => _lines.Remove(key);

    /// <summary>What is not found below a path may stand below another, from where it was copied.</summary>
    public void CopiedTo(string path, string source) => _sources.Add((path, source));

    /// <summary><c>line N: </c> for a key with dots, or nothing where it does not stand in the text.</summary>
    public string At(string key)
    {
        if (_lines.TryGetValue(key, out int line)) return $"line {line}: ";
        foreach (var (path, source) in _sources)
            if (key.StartsWith(path, StringComparison.Ordinal) && _lines.TryGetValue(source + key[path.Length..], out line))
                return $"line {line}: ";
        return "";
    }
}
