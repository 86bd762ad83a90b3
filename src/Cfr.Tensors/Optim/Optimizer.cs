namespace Cfr.Tensors;

/// <summary>Parameters that share settings.</summary>
/// <param name="Parameters">What to train; frozen parameters and those without a gradient are left alone.</param>
/// <param name="WeightDecay">Decay of this group.</param>
/// <param name="LearningRateFactor">Factor on the optimiser's learning rate.</param>
public sealed record ParameterGroup(
    IReadOnlyList<Weight> Parameters, float WeightDecay = 0, float LearningRateFactor = 1);

/// <summary>
/// Changes parameters along their gradients. Set <see cref="LearningRate"/> before each step from a <see
/// cref="Schedule"/>.
/// </summary>
public abstract class Optimizer
{
    readonly Dictionary<string, Tensor> _state = [];

    /// <summary>An optimiser of these groups.</summary>
    /// <exception cref="ArgumentException">A parameter stands in two groups, or there is none at all.</exception>
    protected Optimizer(IReadOnlyList<ParameterGroup> groups, float learningRate)
    {
        Groups = groups;
        LearningRate = learningRate;
        var seen = new HashSet<string>();
        foreach (Weight weight in groups.SelectMany(group => group.Parameters))
            if (!seen.Add(weight.Name)) throw new ArgumentException($"parameter '{weight.Name}' stands in two groups");
        if (seen.Count == 0) throw new ArgumentException("there is no parameter to optimise");
    }

    /// <summary>The groups.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>The rate of the next step.</summary>
    public float LearningRate { get; set; }

    /// <summary>Moments and momenta by name, for a checkpoint; they appear with the first step.</summary>
    public IReadOnlyDictionary<string, Tensor> State => _state;

    /// <summary>Steps taken by each parameter, for a checkpoint, where the update depends on their number.</summary>
    public virtual IReadOnlyDictionary<string, int> Steps => new Dictionary<string, int>();

    /// <summary>Updates all parameters that have a gradient.</summary>
    public void Step()
    {
        // What was put off is made of the parameters as they are.
        IEnumerable<Weight> weights = Groups.SelectMany(group => group.Parameters);
        foreach (Session session in weights.Select(weight => weight.Tensor.Session).Distinct()) session.Settle();
        foreach (ParameterGroup group in Groups)
            foreach (Weight weight in Trained(group))
                weight.Tensor.CountOverwrite();
        Update();
    }

    /// <inheritdoc cref="Step"/>
    private protected abstract void Update();

    /// <summary>Forgets all gradients.</summary>
    public void ClearGradients()
    {
        foreach (ParameterGroup group in Groups)
            foreach (Weight weight in group.Parameters)
                weight.Tensor.ClearGrad();
    }

    /// <summary>Restores one entry of a saved <see cref="State"/>.</summary>
    /// <param name="name">As in <see cref="State"/>: <c>exp_avg.PARAMETER</c>.</param>
    /// <param name="values">Its numbers.</param>
    public void Restore(string name, ReadOnlySpan<float> values)
    {
        int dot = name.IndexOf('.');
        Weight weight = Groups.SelectMany(group => group.Parameters)
            .FirstOrDefault(entry => entry.Name == name[(dot + 1)..])
            ?? throw new ArgumentException($"optimiser state '{name}' belongs to no parameter of this optimiser");
        StateOf(name[..Math.Max(dot, 0)], weight).Set(values);
    }

    /// <summary>Restores one entry of saved <see cref="Steps"/>.</summary>
    public virtual void RestoreSteps(string parameter, int steps) =>
        throw new ArgumentException($"{GetType().Name} does not count the steps of '{parameter}'");

    /// <summary>Parameters of a group that have a gradient now.</summary>
    private protected static IEnumerable<Weight> Trained(ParameterGroup group) =>
        group.Parameters.Where(weight => weight.Tensor.Grad is not null);

    /// <summary>A state tensor as large as the parameter; zeros at first.</summary>
    private protected Tensor StateOf(string kind, Weight weight)
    {
        string name = $"{kind}.{weight.Name}";
        if (_state.TryGetValue(name, out Tensor? state)) return state;
        Session session = weight.Tensor.Session;
        state = session.EmptyKept(weight.Tensor.Shape);
        session.Device.ElementWise.Fill(state.View, 0);
        _state.Add(name, state);
        return state;
    }
}
