using System.Text.Json.Serialization;

namespace Cfr.Models;

/// <summary>The kinds of segmentation networks.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Architecture>))]
public enum Architecture
{
    /// <summary><see cref="Models.VNet"/></summary>
    [JsonStringEnumMemberName("vnet")] VNet,
    /// <summary><see cref="Models.PyramidVNet"/></summary>
    [JsonStringEnumMemberName("vnet-pyramid")] PyramidVNet,
    /// <summary><see cref="Models.SdfVNet"/></summary>
    [JsonStringEnumMemberName("vnet-sdf")] SdfVNet,
    /// <summary><see cref="Models.UNet3d"/></summary>
    [JsonStringEnumMemberName("unet3d")] UNet3d,
    /// <summary><see cref="Models.DeepSupervisedUNet3d"/></summary>
    [JsonStringEnumMemberName("unet3d-dv")] DeepSupervisedUNet3d,
}

/// <summary>What stands between a convolution and its activation.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Normalization>))]
public enum Normalization
{
    /// <summary>Nothing.</summary>
    [JsonStringEnumMemberName("none")] None,
    /// <summary>Batch norm with running statistics.</summary>
    [JsonStringEnumMemberName("batch")] Batch,
    /// <summary>Group norm with 16 groups.</summary>
    [JsonStringEnumMemberName("group")] Group,
    /// <summary>Instance norm without weight and bias.</summary>
    [JsonStringEnumMemberName("instance")] Instance,
}
