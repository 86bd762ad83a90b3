using System.Text.Json.Nodes;

namespace Cfr.Pipeline.Report;

/// <summary>What people call the network that the settings of a run name.</summary>
static class NetworkTitle
{
    /// <summary>Of the first <c>architecture</c> anywhere in the settings; null if there is none.</summary>
    public static string? Of(JsonNode? settings) => Architecture(settings) switch
    {
        null => null,
        string name when name.StartsWith("vnet") => "V-Net",
        string name when name.StartsWith("unet3d") => "3D U-Net",
        string other => other,
    };

    static string? Architecture(JsonNode? node) => node switch
    {
        JsonObject settings when settings["architecture"] is JsonValue name && name.TryGetValue(out string? text) => text,
        JsonObject settings => settings.Select(setting => Architecture(setting.Value)).FirstOrDefault(found => found is not null),
        JsonArray list => list.Select(Architecture).FirstOrDefault(found => found is not null),
        _ => null,
    };
}
