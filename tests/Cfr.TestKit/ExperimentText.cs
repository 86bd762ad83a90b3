namespace Cfr.TestKit;

/// <summary>A whole experiment on tiny phantoms with tiny networks: seconds.</summary>
public static class ExperimentText
{
    /// <summary>The file.</summary>
    public const string Small = """
        {
          // All three stages.
          "name": "small",
          "prepare": { "recipe": "phantom", "cases": 7, "size": [20, 18, 16] },
          "labelled": 2,
          "unlabelled": 3,
          "patch": [16, 16, 16],
          "seed": 3,
          "fineTuning": {
            "sam": { "model": {
              "imageSize": 64, "patchSize": 8, "width": 16, "depth": 1, "heads": 1, "globalBlocks": [0], "window": 4,
              "promptWidth": 16, "decoderHeads": 1, "decoderHidden": 16, "qualityHidden": 8
            } },
            "iterations": 3, "batch": 2, "checkpointEvery": 1
          },
          "training": {
            "network": { "architecture": "vnet", "filters": 1, "classes": 2, "normalization": "none", "dropout": false },
            "iterations": 3, "batch": 4, "checkpointEvery": 1
          },
          "methods": {
            "supervised": { "batch": 2 },
            "mean-teacher": {},
            "cfr-mean-teacher": { "pseudoLabels": { "from": "network" } },
            "cfr-self-training": { "pseudoLabels": { "from": "folder" }, "selfTraining": { "rounds": 1 } }, // labels of whole volumes
            "upper-bound": { "method": "supervised", "labelled": 5 },
          },
          "prediction": { "stride": [16, 16, 16] },
        }
        """;
}
