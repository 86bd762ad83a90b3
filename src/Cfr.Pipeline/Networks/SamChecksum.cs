using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Cfr.Pipeline.Networks;

/// <summary>Meta's files of SAM have the first six digits of their SHA-256 in their names.</summary>
static partial class SamChecksum
{
    /// <summary>
    /// Compares a file of a published name, such as <c>sam_vit_b_01ec64.pth</c>, with the sum in that name: an
    /// interrupted download is found out. Files of other names pass. It reads the whole file: one to two seconds for
    /// ViT-B.
    /// </summary>
    /// <exception cref="BadDataException">It is another file than its name says.</exception>
    public static void Verify(string path)
    {
        if (PublishedName().Match(Path.GetFileName(path)) is not { Success: true } match) return;
        using FileStream file = File.OpenRead(path);
        string sum = Convert.ToHexStringLower(SHA256.HashData(file)), said = match.Groups[1].Value;
        if (!sum.StartsWith(said, StringComparison.Ordinal))
            throw new BadDataException(
                $"{path}: its SHA-256 begins with {sum[..said.Length]}, its name says {said}; "
                + "load it again, or rename it if it was changed on purpose");
    }

    [GeneratedRegex(@"^sam_vit_[blh]_([0-9a-f]{6})\.pth$")]
    private static partial Regex PublishedName();
}
