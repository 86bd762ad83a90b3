using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cfr.Models;

/// <summary>The form in which a model's sizes stand in the metadata of its weight file.</summary>
public static class SamConfigurationJson
{
    static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        IgnoreReadOnlyProperties = true,
    };

    /// <summary>One line of JSON.</summary>
    public static string ToJson(this SamConfiguration configuration) => JsonSerializer.Serialize(configuration, Options);

    /// <summary>Reads what <see cref="ToJson"/> wrote; what is not said is as in ViT-B.</summary>
    /// <exception cref="ArgumentException">It is no such description, or makes no sense.</exception>
    public static SamConfiguration Parse(string json)
    {
        try
        {
            SamConfiguration configuration = JsonSerializer.Deserialize<SamConfiguration>(json, Options)
                ?? throw new ArgumentException("the description of the SAM is null");
            if (configuration.GlobalBlocks is null)
                throw new ArgumentException("the description of the SAM has null global blocks");
            configuration.Check();
            return configuration;
        }
        catch (JsonException error)
        {
            throw new ArgumentException($"the description of the SAM cannot be read: {error.Message}", error);
        }
    }
}
