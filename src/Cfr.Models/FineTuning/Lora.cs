using Cfr.Tensors;

namespace Cfr.Models;

/// <summary>
/// Low-rank adaptation (LoRA, Hu 2021) of linear layers: y = x W^T + b stays frozen, runs of its outputs get + (x A^T) B^T, A [rank,
/// inputs], B [outputs of the run, rank]. Neither scaling nor dropout, as in SAMed. A begins uniform within 1 / sqrt(inputs), B
/// with 0, so that at first nothing changes.
/// </summary>
/// <example><code>
/// Lora lora = Lora.Attach(weights, "image_encoder.blocks.*.attn.qkv", [new("q", 0, 3), new("v", 2, 3)], rank: 4);
/// var optimizer = new AdamW(lora.Parameters, learningRate: 1e-3f);
/// </code></example>
public sealed class Lora
{
    readonly Adaptation[] _adaptations;

    Lora(Adaptation[] adaptations) => _adaptations = adaptations;

    /// <summary>A and B of every part of every layer.</summary>
    public IReadOnlyList<Weight> Parameters => [.. _adaptations.SelectMany(adaptation => adaptation.Parameters)];

    /// <summary>True between <see cref="Merge"/> and <see cref="Unmerge"/>.</summary>
    public bool IsMerged { get; private set; }

    /// <summary>
    /// Gives the linear layers whose path fits their A and B, under the layer's own path, and freezes the layers.
    /// </summary>
    /// <param name="weights">A model, or a part of one.</param>
    /// <param name="pattern">Paths of the layers; <c>*</c> stands for any run of letters.</param>
    /// <param name="parts">The outputs that change.</param>
    /// <param name="rank">At most the inputs of a layer and the outputs of a part.</param>
    /// <exception cref="ArgumentException">
    /// No layer fits, one has an adaptation already, or rank or parts do not go with its size. Nothing is changed.
    /// </exception>
    public static Lora Attach(Weights weights, string pattern, IReadOnlyList<LoraPart> parts, int rank)
    {
        Linear[] layers = [.. weights.Linears(pattern)];
        if (layers.Length == 0) throw new ArgumentException($"LoRA: no linear layer fits '{pattern}'");
        foreach (Linear layer in layers) Check(layer, parts, rank);
        return new Lora([.. layers.Select(layer => new Adaptation(layer, parts, rank))]);
    }

    /// <summary>
    /// W += B A: the layers become plain ones of the same result, and faster. While merged, A and B take no part: do not train.
    /// </summary>
    /// <exception cref="InvalidOperationException">It is merged already.</exception>
    public void Merge()
    {
        if (IsMerged) throw new InvalidOperationException("LoRA: it is merged already");
        foreach (Adaptation adaptation in _adaptations) adaptation.Merge();
        IsMerged = true;
    }

    /// <summary>Gives the layers back the W that they had, bit for bit, and A and B their part.</summary>
    /// <exception cref="InvalidOperationException">It is not merged.</exception>
    public void Unmerge()
    {
        if (!IsMerged) throw new InvalidOperationException("LoRA: it is not merged");
        foreach (Adaptation adaptation in _adaptations) adaptation.Unmerge();
        IsMerged = false;
    }

    static void Check(Linear layer, IReadOnlyList<LoraPart> parts, int rank)
    {
        string path = layer.Weights.Path;
        if (layer.LowRank.Count > 0) throw new ArgumentException($"LoRA: '{path}' has an adaptation already");
        if (parts.Count == 0) throw new ArgumentException($"LoRA: no outputs of '{path}' are to change");
        foreach (LoraPart part in parts)
        {
            if (part.Index < 0 || part.Index >= part.Count || layer.Outputs % part.Count != 0)
            {
                throw new ArgumentException(
                    $"LoRA: '{path}' has {layer.Outputs} outputs; there is no run '{part.Name}' number {part.Index} of {part.Count}");
            }
            int largest = Math.Min(layer.Inputs, layer.Outputs / part.Count);
            if (rank < 1 || rank > largest)
                throw new ArgumentException($"LoRA: rank {rank} for '{path}'; expected 1 to {largest}");
        }
    }

    /// <summary>One layer's.</summary>
    sealed class Adaptation
    {
        readonly Linear _layer;
        readonly LowRankPart[] _parts;
        readonly Tensor _weight;
        float[]? _before;

        public Adaptation(Linear layer, IReadOnlyList<LoraPart> parts, int rank)
        {
            Weights own = layer.Weights;
            foreach (Weight weight in own.Parameters) weight.Tensor.WithGrad(false);
            _layer = layer;
            _weight = own[$"{own.Path}.weight"];
            _parts = [.. parts.Select(Create)];
            Parameters = [.. own.Parameters.Where(weight => weight.Tensor.RequiresGrad)];
            layer.LowRank = _parts;

            LowRankPart Create(LoraPart part)
            {
                int outputs = layer.Outputs / part.Count;
                Tensor a = (own / $"linear_a_{part.Name}").Parameter("weight", [rank, layer.Inputs], Initialize.FanIn(layer.Inputs));
                Tensor b = (own / $"linear_b_{part.Name}").Parameter("weight", [outputs, rank], Initialize.Constant(0));
                return new LowRankPart(part.Index * outputs, a, b);
            }
        }

        public IReadOnlyList<Weight> Parameters { get; }

        public void Merge()
        {
            _before = _weight.ToArray();
            float[] merged = [.. _before];
            foreach (LowRankPart part in _parts) Add(part, merged);
            _weight.Set(merged);
            _layer.LowRank = [];
        }

        public void Unmerge()
        {
            _weight.Set(_before);
            _before = null;
            _layer.LowRank = _parts;
        }

        void Add(LowRankPart part, float[] merged)
        {
            Session session = _weight.Session;
            using Scope scope = session.Scope();
            using Session.GradMode mode = session.NoGrad();
            float[] change = part.B.Matmul(part.A).ToArray();
            int first = part.First * _layer.Inputs;
            for (int i = 0; i < change.Length; i++) merged[first + i] += change[i];
        }
    }
}
