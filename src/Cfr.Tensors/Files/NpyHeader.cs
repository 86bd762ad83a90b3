using System.Globalization;

namespace Cfr.Tensors.Files;

/// <summary>
/// The header of a .npy file, a Python literal such as
/// <c>{'descr': '&lt;f4', 'fortran_order': False, 'shape': (3, 4), }</c>: keys in any order, each once.
/// </summary>
sealed record NpyHeader(string ElementType, bool ColumnMajor, long[] Shape)
{
    /// <summary>None if the text is anything else.</summary>
    public static NpyHeader? Parse(string text) => new Parser(text).Header();

    ref struct Parser(string text)
    {
        ReadOnlySpan<char> _rest = text;

        public NpyHeader? Header()
        {
            string? elementType = null;
            bool? columnMajor = null;
            long[]? shape = null;
            if (!Take("{")) return null;
            while (!Take("}"))
            {
                string? key = Text();
                if (key is null || !Take(":")) return null;
                if (key == "descr" && elementType is null)
                    elementType = Text();
                else if (key == "fortran_order" && columnMajor is null)
                    columnMajor = Take("True") ? true : Take("False") ? false : null;
                else if (key == "shape" && shape is null)
                    shape = Sizes();
                else
                    return null;
                if (!Take(",") && !_rest.TrimStart().StartsWith("}")) return null;
            }
            if (!_rest.Trim().IsEmpty || elementType is null || columnMajor is null || shape is null) return null;
            return new NpyHeader(elementType, columnMajor.Value, shape);
        }

        bool Take(string token)
        {
            ReadOnlySpan<char> rest = _rest.TrimStart();
            if (!rest.StartsWith(token)) return false;
            _rest = rest[token.Length..];
            return true;
        }

        string? Text()
        {
            char quote = Take("'") ? '\'' : Take("\"") ? '"' : '\0';
            int end = quote == '\0' ? -1 : _rest.IndexOf(quote);
            if (end < 0) return null;
            string text = _rest[..end].ToString();
            _rest = _rest[(end + 1)..];
            return text;
        }

        long[]? Sizes()
        {
            if (!Take("(")) return null;
            var sizes = new List<long>();
            while (!Take(")"))
            {
                if (Size() is not { } size) return null;
                sizes.Add(size);
                if (!Take(",") && !_rest.TrimStart().StartsWith(")")) return null;
            }
            return [.. sizes];
        }

        /// <summary>Digits; Python 2 put an L behind them.</summary>
        long? Size()
        {
            ReadOnlySpan<char> rest = _rest.TrimStart();
            int digits = rest.IndexOfAnyExceptInRange('0', '9');
            if (digits <= 0 || !long.TryParse(rest[..digits], CultureInfo.InvariantCulture, out long size)) return null;
            _rest = rest[digits..];
            Take("L");
            return size;
        }
    }
}
