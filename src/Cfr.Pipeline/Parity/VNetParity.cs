using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>vnet</c>: <c>train.*</c> without dropout, <c>after.*</c> running statistics after it, <c>drop.*</c> with given
/// channel masks on x5 and x9, <c>eval.*</c> with running statistics.
/// </summary>
static class VNetParity
{
    public static void Run(ParityRun run)
    {
        var reference = new NetworkParity<VNet>(run, new NetworkConfiguration(
            Architecture.VNet, run.File.Integer("n_filters"), run.File.Integer("n_classes")));
        VNet network = reference.Network;
        reference.CheckTraining("train", x => network.Forward(x, dropout: false), buffers: "after");
        reference.Restore();
        reference.CheckTraining("drop", Masked);
        reference.Restore();
        reference.CheckEvaluation(Evaluate, "logits");

        Tensor Masked(Tensor x)
        {
            VNetFeatures features = network.Encode(x);
            VNetDecoded decoded = network.Decode(features with { X5 = features.X5 * Mask("drop.mask_x5") });
            return network.Classify(decoded.X9 * Mask("drop.mask_x9"));
        }

        Tensor Mask(string name)
        {
            Shape shape = run.File.Shape(name);
            return run.File.Tensor(run.Session, name).Reshape(shape[0], 1, 1, 1, shape[1]);
        }

        (string, Tensor)[] Evaluate(Tensor x)
        {
            Tensor logits = network.Forward(x);
            NetworkParity<VNet>.CheckLabels(run, "eval.argmax", logits.Softmax(), NetworkParity<VNet>.LogitTolerance);
            return [("logits", logits)];
        }
    }
}

/// <summary>Kind <c>vnet-pyramid</c>: four outputs in evaluation mode.</summary>
static class PyramidVNetParity
{
    public static void Run(ParityRun run)
    {
        var reference = new NetworkParity<PyramidVNet>(run, new NetworkConfiguration(
            Architecture.PyramidVNet, run.File.Integer("n_filters"), run.File.Integer("n_classes")));
        reference.CheckEvaluation(Evaluate, "main");

        (string, Tensor)[] Evaluate(Tensor x)
        {
            PyramidLogits logits = reference.Network.Pyramid(x);
            return [("main", logits.Main), ("dp1", logits.Half), ("dp2", logits.Quarter), ("dp3", logits.Eighth)];
        }
    }
}

/// <summary>Kind <c>vnet-sdf</c>: the map of signed distances and the logit of the object in evaluation mode.</summary>
static class SdfVNetParity
{
    public static void Run(ParityRun run)
    {
        var reference = new NetworkParity<SdfVNet>(
            run, new NetworkConfiguration(Architecture.SdfVNet, run.File.Integer("n_filters")));
        reference.CheckEvaluation(Evaluate, "tanh");

        (string, Tensor)[] Evaluate(Tensor x)
        {
            var (distance, logit) = reference.Network.DistanceAndLogit(x);
            return [("tanh", distance), ("seg", logit)];
        }
    }
}
