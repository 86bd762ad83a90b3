using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Cfr.Pipeline.Report;

/// <summary>What it takes to do the run again: command, seed, versions, device, hashes, all settings.</summary>
static class Provenance
{
    static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write(Html html, RunResults run)
    {
        RunManifest manifest = run.Manifest;
        Section.Write(html, "provenance", "To reproduce it", () =>
        {
            if (manifest.Command is { } command)
                html.Tag("pre", () => html.Tag("code", command), ("class", "command"), ("tabindex", "0"));
            html.Tag("dl", () =>
            {
                foreach (var (name, value) in Facts(manifest))
                {
                    if (string.IsNullOrEmpty(value)) continue;
                    html.Tag("dt", name);
                    html.Tag("dd", value);
                }
            });
            if (run.Experiment is { } settings)
                html.Tag("details", () =>
                {
                    html.Tag("summary", "All settings");
                    html.Tag("pre", () => html.Tag("code", settings.ToJsonString(Indented)), ("tabindex", "0"));
                });
        });
    }

    static IEnumerable<(string Name, string? Value)> Facts(RunManifest manifest)
    {
        RunDataset data = manifest.Dataset;
        yield return ("seed", manifest.Seed?.ToString(CultureInfo.InvariantCulture));
        yield return ("version", manifest.Version);
        yield return ("commit", manifest.Commit);
        yield return ("device", manifest.Device);
        yield return ("driver", manifest.Driver);
        yield return ("data set", data.Name);
        yield return ("its place", data.Path);
        yield return ("its hash", data.Hash);
        yield return ("classes", data.Classes is null ? null : string.Join(", ", data.Classes));
        IEnumerable<KeyValuePair<string, RunWeights>> files = manifest.Weights ?? new Dictionary<string, RunWeights>();
        foreach (var (name, weights) in files.OrderBy(each => each.Key, StringComparer.Ordinal))
        {
            yield return ($"{name} weights", weights.Path);
            yield return ($"{name} hash", weights.Hash);
        }
        yield return ("started", manifest.Started);
        yield return ("finished", manifest.Finished);
    }
}
