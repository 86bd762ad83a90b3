namespace Cfr.Pipeline.FineTuning;

/// <summary>
/// The small SAM that comes with the program: 1.5 million parameters, images of 256 x 256, trained from scratch on drawings alone
/// (<c>cfr pretrain configs/sam-small-pretraining.json</c>). It takes pictures of mean 0 and deviation 1.
/// </summary>
public static class SmallSam
{
    /// <summary>What it is called where the name of a checkpoint is expected.</summary>
    public const string Name = "small";

    /// <summary>Its weights, beside the program.</summary>
    public static string File => Path.Combine(AppContext.BaseDirectory, "assets", "sam-small.safetensors");

    /// <summary>The file of a checkpoint that may be named in a word.</summary>
    public static string FileOf(string checkpoint) => checkpoint == Name ? File : checkpoint;
}
