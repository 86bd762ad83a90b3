using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using Cfr.Pipeline.Configuration;
using Cfr.Pipeline.FineTuning;
using Cfr.Pipeline.Training;
using Cfr.Pipeline.Volumes;

namespace Cfr.Pipeline.Experiments;

/// <summary>The JSON schema of experiment files, for editors that check and complete while one types.</summary>
public static class ExperimentSchema
{
    static readonly JsonSchemaExporterOptions Options = new()
    {
        TreatNullObliviousAsNonNullable = true,
        TransformSchemaNode = (context, schema) => context.TypeInfo.Type == typeof(GridSize) || context.TypeInfo.Type == typeof(GridSize?)
            ? new JsonObject
            {
                ["type"] = "array",
                ["items"] = new JsonObject { ["type"] = "integer", ["minimum"] = 1 },
                ["minItems"] = 3,
                ["maxItems"] = 3,
            }
            : schema,
    };

    /// <summary>The schema (draft 2020-12).</summary>
    public static string Json()
    {
        JsonObject root = Of(typeof(ExperimentConfiguration));
        JsonObject properties = (JsonObject)root["properties"]!;
        // Parts may leave out what the whole says; the whole may say what all parts have in common.
        JsonObject training = Part(typeof(TrainingConfiguration)), tuning = Part(typeof(FineTuningConfiguration));
        properties["fineTuning"] = tuning;
        properties["training"] = training;
        properties["methods"] = new JsonObject { ["type"] = "object", ["additionalProperties"] = training.DeepClone() };
        foreach (string key in (string[])["normalization", "patch"]) properties[key] = training["properties"]![key]!.DeepClone();
        properties["$schema"] = new JsonObject { ["type"] = "string" };
        root["additionalProperties"] = false;
        var schema = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "CFR experiment",
        };
        foreach (var (key, value) in root) schema[key] = value?.DeepClone();
        return schema.ToJsonString(new() { WriteIndented = true }) + "\n";
    }

    static JsonObject Part(Type type)
    {
        JsonObject part = Of(type);
        part.Remove("required");
        part["additionalProperties"] = false;
        return part;
    }

    static JsonObject Of(Type type) => (JsonObject)ConfigurationFile.Options.GetJsonSchemaAsNode(type, Options);
}
