namespace Cfr.Pipeline.FineTuning;

/// <summary>The small SAM that comes with the program: pretrained on drawings, for demonstrations and tests.</summary>
public static class SmallSam
{
    /// <summary>Its name where a checkpoint is asked for.</summary>
    public const string Name = "small";

    /// <summary>Its file.</summary>
    public static string File => Path.Combine(AppContext.BaseDirectory, "assets", "sam-small.safetensors");
}
