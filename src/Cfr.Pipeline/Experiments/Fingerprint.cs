using System.Security.Cryptography;
using System.Text;
using Cfr.Pipeline.Datasets;

namespace Cfr.Pipeline.Experiments;

/// <summary>What something was made of, as a SHA-256 in hexadecimal.</summary>
public static class Fingerprint
{
    /// <summary>Of texts in this order.</summary>
    public static string Of(IEnumerable<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string part in parts)
        {
            hash.AppendData(BitConverter.GetBytes(Encoding.UTF8.GetByteCount(part)));
            hash.AppendData(Encoding.UTF8.GetBytes(part));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Of a file's bytes.</summary>
    public static string OfFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Of a data set: classes, what is done to intensities, and the bytes of these cases' files.</summary>
    public static string OfCases(DataSet data, IEnumerable<Case> cases) => Of(
    [
        string.Join(',', data.Classes), data.Axes, $"{data.Normalization}",
        .. cases.SelectMany(each => new[]
        {
            each.Name, OfFile(each.ImagePath), each.LabelPath is { } label && label != each.ImagePath ? OfFile(label) : $"{each.LabelPath is null}",
        }),
    ]);
}
