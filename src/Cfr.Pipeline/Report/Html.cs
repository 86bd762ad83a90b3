using System.Net;
using System.Text;

namespace Cfr.Pipeline.Report;

/// <summary>Writes HTML and the SVG in it; texts and attributes are escaped.</summary>
sealed class Html
{
    readonly StringBuilder _text = new();

    /// <summary>An element with what <paramref name="inner"/> writes.</summary>
    public void Tag(string name, Action inner, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        Open(name, attributes);
        _text.Append('>');
        inner();
        _text.Append("</").Append(name).Append('>');
    }

    /// <summary>An element with a text.</summary>
    public void Tag(string name, string text, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        Open(name, attributes);
        _text.Append('>');
        Text(text);
        _text.Append("</").Append(name).Append('>');
    }

    /// <summary>An element without content.</summary>
    public void Void(string name, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        Open(name, attributes);
        _text.Append("/>");
    }

    /// <summary>A text.</summary>
    public void Text(string text) => _text.Append(WebUtility.HtmlEncode(text));

    /// <summary>A style sheet: written as it is.</summary>
    public void Style(string css) => _text.Append("<style>").Append(css).Append("</style>");

    /// <summary>A line break between blocks, for those who read the source.</summary>
    public void Line() => _text.Append('\n');

    /// <inheritdoc/>
    public override string ToString() => $"<!DOCTYPE html>\n{_text}\n";

    void Open(string name, ReadOnlySpan<(string Name, string Value)> attributes)
    {
        _text.Append('<').Append(name);
        foreach (var (key, value) in attributes)
            _text.Append(' ').Append(key).Append("=\"").Append(WebUtility.HtmlEncode(value)).Append('"');
    }
}
