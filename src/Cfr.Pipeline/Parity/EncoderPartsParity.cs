using Cfr.Models;
using Cfr.Tensors;

namespace Cfr.Pipeline.Parity;

/// <summary>
/// Kind <c>sam-window</c>: for each case, <c>x</c> cut into <c>windows</c> of <c>window_size</c>, which cover
/// <c>pad_hw</c> tokens, and
/// <c>unpart_in</c> put together to <c>unpart_out</c>.
/// </summary>
static class WindowParity
{
    public static void Run(ParityRun run)
    {
        const string End = "/window_size";
        foreach (string name in run.File.Names.Where(name => name.EndsWith(End)).Select(name => name[..^End.Length]))
        {
            Tensor x = run.File.Tensor(run.Session, $"{name}/x");
            Tensor windows = x.WindowPartition((int)run.File.Values(name + End)[0]);
            run.Output($"{name}/windows", windows, tolerance: 0);
            double[] padded = run.File.Values($"{name}/pad_hw"), covered = [(double)windows.Count / (x.Size(0) * x.Size(3))];
            run.Output($"{name}/pad_hw", covered, [padded[0] * padded[1]], tolerance: 0);
            Tensor whole = run.File.Tensor(run.Session, $"{name}/unpart_in").WindowUnpartition(x.Size(1), x.Size(2));
            run.Output($"{name}/unpart_out", whole, tolerance: 0);
        }
    }
}

/// <summary>
/// Kind <c>sam-attention</c>: projection to q, k and v, attention with relative positions on a grid, projection;
/// <c>w/..</c>,
/// <c>in/x</c>, <c>mid/q</c> and the like with heads in the batch, <c>out/y</c>, <c>grad/..</c> and <c>grad_in/x</c>.
/// </summary>
static class AttentionParity
{
    const double Tolerance = 2e-6, GradientTolerance = 5e-6;

    static readonly string[] Weights = ["qkv.weight", "qkv.bias", "proj.weight", "proj.bias", "rel_pos_h", "rel_pos_w"];

    public static void Run(ParityRun run)
    {
        int heads = SamModule.Number(run.File, "heads");
        Dictionary<string, Tensor> w = Weights.ToDictionary(name => name, name => SamModule.Leaf(run, $"w/{name}"));
        Tensor x = SamModule.Leaf(run, "in/x");
        Tensor qkv = x.Linear(w["qkv.weight"], w["qkv.bias"]);
        CheckHeads(run, qkv, heads);
        Tensor y = qkv.SelfAttention(heads, w["rel_pos_h"], w["rel_pos_w"]).Linear(w["proj.weight"], w["proj.bias"]);
        run.Output("out/y", y, Tolerance);
        if (!run.WithGradients || !run.File.Has("in/upstream")) return;
        y.Backward(run.File.Tensor(run.Session, "in/upstream"));
        run.Gradient("grad_in/x", x.Grad, GradientTolerance);
        foreach (string name in Weights) run.Gradient($"grad/{name}", w[name].Grad, GradientTolerance);
    }

    /// <summary>[B, H, W, 3 heads d] as three of [B heads, H W, d].</summary>
    static void CheckHeads(ParityRun run, Tensor qkv, int heads)
    {
        int batch = qkv.Size(0), tokens = qkv.Size(1) * qkv.Size(2), width = qkv.Size(3) / 3 / heads;
        Tensor parts = qkv.Detach().Reshape(batch, tokens, 3, heads, width).Permute(2, 0, 3, 1, 4);
        for (int i = 0; i < 3; i++) run.Output($"mid/{"qkv"[i]}", parts.Slice(0, i, 1), Tolerance);
    }
}

/// <summary>
/// Kind <c>sam-lora-qkv</c>: for each rank R, LoRA on q and v of a projection, from <c>R/w/..</c> and <c>R/in/x</c>:
/// results without it, with it and of the merged weight, gradients of the factors and of x.
/// </summary>
static class LoraParity
{
    const double Tolerance = 1e-6;

    public static void Run(ParityRun run)
    {
        const string End = "/in/x";
        foreach (string name in run.File.Names.Where(name => name.EndsWith(End)).Select(name => name[..^End.Length]))
        {
            using Scope step = run.Session.Step();
            Check(run, name);
        }
    }

    static void Check(ParityRun run, string name)
    {
        Shape shape = run.File.Shape($"{name}/w/qkv.weight");
        var weights = new Weights(run.Session, seed: 0);
        var qkv = new Linear(weights / "qkv", shape[1], shape[0]);
        Load(weights.All);
        Tensor x = run.File.Tensor(run.Session, $"{name}/in/x");
        run.Output($"{name}/out/base_qkv", qkv.Forward(x).Detach(), Tolerance);

        int rank = run.File.Shape($"{name}/w/linear_a_q.weight")[0];
        Lora lora = Lora.Attach(weights, "qkv", [new("q", 0, 3), new("v", 2, 3)], rank);
        Load(lora.Parameters);
        Tensor y = qkv.Forward(run.WithGradients ? x.WithGrad() : x);
        run.Output($"{name}/out/qkv", y, Tolerance);
        if (run.WithGradients)
        {
            y.Backward(run.File.Tensor(run.Session, $"{name}/in/upstream"));
            run.Gradient($"{name}/grad_in/x", x.Grad, Tolerance);
            foreach (Weight weight in lora.Parameters)
                run.Gradient($"{name}/grad/{InFile(weight)}", weight.Tensor.Grad, Tolerance);
        }
        lora.Merge();
        run.Output($"{name}/out/merged_weight", weights["qkv.weight"], Tolerance);

        void Load(IEnumerable<Weight> into)
        {
            foreach (Weight weight in into) weight.Tensor.Set(run.File.Floats($"{name}/w/{InFile(weight)}"));
        }
    }

    /// <summary>The factors lie beside the layer there, below it here.</summary>
    static string InFile(Weight weight) => weight.Name.Replace("qkv.linear", "linear");
}
