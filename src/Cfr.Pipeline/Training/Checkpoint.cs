using System.Globalization;
using Cfr.Tensors;
using Cfr.Tensors.Files;

namespace Cfr.Pipeline.Training;

/// <summary>
/// All that a run needs to go on as if it had never stopped, in one safetensors file: what training changes of every
/// network (<c>model.NETWORK.NAME</c>, as PyTorch's files have them), the states of the optimisers
/// (<c>optimizer.OPTIMIZER.STATE.NAME</c>) and their steps (<c>steps.OPTIMIZER.NAME</c>), and in the metadata the number of
/// iterations done and the place in the random stream. Batches and learning rates are functions of the iteration, so it
/// is the sampler's and the schedule's state too.
/// </summary>
static class Checkpoint
{
    const string Kind = "cfr-checkpoint", IterationKey = "iteration", SeedKey = "seed", DrawsKey = "draws", DeviceKey = "device", OriginKey = "origin";
    const string OptimizerPrefix = "optimizer.", StepsPrefix = "steps.";

    /// <summary>Writes the state after so many iterations.</summary>
    public static void Save(string path, ITrained trained, Session session, long iteration)
    {
        var tensors = new List<TensorToStore>();
        foreach (var (model, weights) in trained.State)
            foreach (Weight weight in weights)
                tensors.Add(TensorToStore.Of(ModelKey(model, weight), Sizes(weight.FileShape), weight.AsInFile()));
        foreach (var (of, optimizer) in trained.Optimizers)
        {
            foreach (var (name, state) in optimizer.State)
                tensors.Add(TensorToStore.Of($"{OptimizerPrefix}{of}.{name}", Sizes(state.Shape), state.ToArray()));
            foreach (var (name, steps) in optimizer.Steps)
                tensors.Add(TensorToStore.Of<long>($"{StepsPrefix}{of}.{name}", [1], [steps]));
        }
        SafetensorsFile.Write(path, tensors, new Dictionary<string, string>
        {
            ["kind"] = Kind,
            [IterationKey] = iteration.ToString(CultureInfo.InvariantCulture),
            [SeedKey] = session.Random.Seed.ToString(CultureInfo.InvariantCulture),
            [DrawsKey] = session.Random.Draws.ToString(CultureInfo.InvariantCulture),
            [DeviceKey] = session.Device.Arithmetic,
            [OriginKey] = trained.Origin,
        });
    }

    /// <summary>The iterations done when it was written.</summary>
    public static long Iteration(string path)
    {
        using WeightFile file = WeightFile.Open(path);
        return long.TryParse(file.Metadata.GetValueOrDefault(IterationKey), CultureInfo.InvariantCulture, out long iteration)
            ? iteration
            : throw new BadDataException($"{path}: found no checkpoint of a training run");
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
        if (file.Metadata.GetValueOrDefault(DeviceKey) is var device && device != session.Device.Arithmetic)
            throw new BadDataException(
                $"{path}: the run was on device {device}, this is {session.Device.Arithmetic}; it could not go on bit for bit");
        if (file.Metadata.GetValueOrDefault(OriginKey) is var origin && origin != trained.Origin)
            throw new BadDataException($"{path}: the run began with other weights ({origin}) than there are now ({trained.Origin})");
        foreach (var (model, weights) in trained.State)
            foreach (Weight weight in weights)
                weight.SetAsInFile(Numbers(ModelKey(model, weight), weight.Tensor.Count));
        foreach (var (of, optimizer) in trained.Optimizers)
        {
            string states = $"{OptimizerPrefix}{of}.", steps = $"{StepsPrefix}{of}.";
            foreach (string name in Below(states))
                optimizer.Restore(name[states.Length..], Numbers(name, file[name].Count));
            foreach (string name in Below(steps))
                optimizer.RestoreSteps(name[steps.Length..], (int)Numbers(name, 1)[0]);
        }
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
