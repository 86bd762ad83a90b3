using System.Globalization;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Training;

/// <summary>
/// All that a run needs to go on as if it had never stopped, in one safetensors file: what training changes of every network
/// (<c>model.NETWORK.NAME</c>, as PyTorch's files have them), the optimiser's state (<c>optimizer.STATE.NAME</c>) and steps
/// (<c>steps.NAME</c>), and in the metadata the number of iterations done and the place in the random stream. Batches and learning rates are functions of the
/// iteration, so it is the sampler's and the schedule's state too.
/// </summary>
static class Checkpoint
{
    const string Kind = "cfr-checkpoint", IterationKey = "iteration", SeedKey = "seed", DrawsKey = "draws", DeviceKey = "device";
    const string OptimizerPrefix = "optimizer.", StepsPrefix = "steps.";

    /// <summary>Writes the state after so many iterations.</summary>
    public static void Save(string path, ITrained trained, Session session, long iteration)
    {
        var tensors = new List<TensorToStore>();
        foreach (var (model, weights) in trained.State)
            foreach (Weight weight in weights)
                tensors.Add(TensorToStore.Of(ModelKey(model, weight), Sizes(weight.FileShape), weight.AsInFile()));
        foreach (var (name, state) in trained.Optimizer.State)
            tensors.Add(TensorToStore.Of($"{OptimizerPrefix}{name}", Sizes(state.Shape), state.ToArray()));
        foreach (var (name, steps) in trained.Optimizer.Steps)
            tensors.Add(TensorToStore.Of<long>($"{StepsPrefix}{name}", [1], [steps]));
        SafetensorsFile.Write(path, tensors, new Dictionary<string, string>
        {
            ["kind"] = Kind,
            [IterationKey] = iteration.ToString(CultureInfo.InvariantCulture),
            [SeedKey] = session.Random.Seed.ToString(CultureInfo.InvariantCulture),
            [DrawsKey] = session.Random.Draws.ToString(CultureInfo.InvariantCulture),
            [DeviceKey] = session.Device.Name,
        });
    }

    /// <summary>Restores the state.</summary>
    /// <returns>The iterations done.</returns>
    /// <exception cref="BadDataException">The file is no checkpoint of this run.</exception>
    public static long Load(string path, ITrained trained, Session session)
    {
        using WeightFile file = WeightFile.Open(path);
        if (file.Metadata.GetValueOrDefault("kind") != Kind)
            throw new BadDataException($"{path}: found no checkpoint of a training run");
        long iteration = (long)Number(IterationKey);
        if (Number(SeedKey) != session.Random.Seed)
            throw new BadDataException($"{path}: seed {Number(SeedKey)}; the run has {session.Random.Seed}");
        if (file.Metadata.GetValueOrDefault(DeviceKey) is var device && device != session.Device.Name)
            throw new BadDataException(
                $"{path}: the run was on device {device}, this is {session.Device.Name}; it could not go on bit for bit");
        foreach (var (model, weights) in trained.State)
            foreach (Weight weight in weights)
                weight.SetAsInFile(Numbers(ModelKey(model, weight), weight.Tensor.Count));
        foreach (string name in Below(OptimizerPrefix))
            trained.Optimizer.Restore(name[OptimizerPrefix.Length..], Numbers(name, file[name].Count));
        foreach (string name in Below(StepsPrefix))
            trained.Optimizer.RestoreSteps(name[StepsPrefix.Length..], (int)Numbers(name, 1)[0]);
        session.Random.Draws = Number(DrawsKey);
        return iteration;

        IEnumerable<string> Below(string prefix) =>
            file.Tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal));

        float[] Numbers(string name, long count)
        {
            StoredTensor stored = file[name];
            if (stored.Count != count)
                throw new BadDataException($"{path}: {name} has {stored.Count} numbers; the network has {count}");
            float[] numbers = new float[count];
            stored.CopyTo(numbers.AsSpan());
            return numbers;
        }

        ulong Number(string key) =>
            ulong.TryParse(file.Metadata.GetValueOrDefault(key), CultureInfo.InvariantCulture, out ulong number)
                ? number
                : throw new BadDataException($"{path}: the metadata has no number '{key}'");
    }

    static string ModelKey(string model, Weight weight) => $"model.{model}.{weight.Name}";

    static long[] Sizes(Shape shape) => [.. shape.Select(size => (long)size)];
}
