using System.Text.Json;
using System.Text.Json.Serialization;
using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// What a segmentation network is: all that is needed to build it. Its JSON form stands in training configurations and
/// in the metadata of weight files.
/// </summary>
/// <param name="Architecture">Which network.</param>
/// <param name="Filters">Channels at full resolution; each level down doubles them.</param>
/// <param name="Classes">Classes, the background included.</param>
/// <param name="Channels">Channels of the input.</param>
/// <param name="Normalization">Default: batch norm in V-Nets, instance norm in U-Nets, which know no other.</param>
/// <param name="Dropout">Whether it drops while training, at the published places and rates.</param>
/// <example><code>
/// var network = new NetworkConfiguration(Architecture.VNet, Classes: 2).Create(new Weights(session));
/// Tensor logits = network.Forward(x);
/// </code></example>
public sealed record NetworkConfiguration(
    Architecture Architecture,
    int Filters = 16,
    int Classes = 2,
    int Channels = 1,
    Normalization? Normalization = null,
    bool Dropout = true)
{
    static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
    };

    bool IsUNet => Architecture is Architecture.UNet3d or Architecture.DeepSupervisedUNet3d;

    /// <summary>The normalisation that the network has.</summary>
    [JsonIgnore]
    public Normalization UsedNormalization =>
        Normalization ?? (IsUNet ? Models.Normalization.Instance : Models.Normalization.Batch);

    /// <summary>Builds the network; its weights are created below the path, with PyTorch's initial values.</summary>
    /// <exception cref="ArgumentException">The description makes no sense.</exception>
    public Segmenter Create(Weights weights)
    {
        Check();
        return Architecture switch
        {
            Architecture.VNet => new VNet(weights, this),
            Architecture.PyramidVNet => new PyramidVNet(weights, this),
            Architecture.SdfVNet => new SdfVNet(weights, this),
            Architecture.UNet3d => new UNet3d(weights, this),
            _ => new DeepSupervisedUNet3d(weights, this),
        };
    }

    /// <summary>One line of JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="ArgumentException">It is no such description.</exception>
    public static NetworkConfiguration FromJson(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<NetworkConfiguration>(json, Json)
                ?? throw new ArgumentException("the description of the network is null");
        }
        catch (JsonException error)
        {
            throw new ArgumentException($"the description of the network cannot be read: {error.Message}", error);
        }
    }

    /// <exception cref="ArgumentException">The description makes no sense.</exception>
    public void Check()
    {
        if (!Enum.IsDefined(Architecture)) throw new ArgumentException($"network: no architecture {(int)Architecture}");
        if (Filters is < 1 or > 1024) throw new ArgumentException($"network: {Filters} filters; expected 1 to 1024");
        if (Channels is < 1 or > 1024) throw new ArgumentException($"network: {Channels} channels; expected 1 to 1024");
        if (Classes is < 2 or > 255)
            throw new ArgumentException($"network: {Classes} classes; expected 2 to 255, the background included");
        if (Architecture == Architecture.SdfVNet && Classes != 2)
            throw new ArgumentException($"network: a vnet-sdf tells one object from the background; it cannot have {Classes} classes");
        if (IsUNet && UsedNormalization != Models.Normalization.Instance)
            throw new ArgumentException($"network: a 3D U-Net has instance norm, no other; found {UsedNormalization}");
        if (UsedNormalization == Models.Normalization.Group && Filters % NormRelu.Groups != 0)
            throw new ArgumentException(
                $"network: group norm has {NormRelu.Groups} groups; {Filters} filters cannot be divided into them");
    }
}
