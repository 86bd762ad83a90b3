using Cfr.Pipeline.Training;

namespace Cfr.Cli.Training;

/// <summary>Loss and time of a step, averaged over about the last twenty.</summary>
sealed class Pace(long iterations)
{
    const double Memory = 0.95;

    double _weight, _seconds, _loss;

    public double SecondsPerIteration => _seconds / _weight;

    public double Loss => _loss / _weight;

    public double Remaining { get; private set; }

    public void Add(TrainingStep step)
    {
        _weight = Memory * _weight + 1;
        _seconds = Memory * _seconds + step.Seconds;
        _loss = Memory * _loss + step.Loss;
        Remaining = (iterations - step.Iteration) * SecondsPerIteration;
    }

    public override string ToString() =>
        $"loss {Loss:F4}  {Speed()}  {TrainingSummary.Time(Remaining)} left";

    string Speed() => SecondsPerIteration >= 1 ? $"{SecondsPerIteration:F2} s/it" : $"{1 / SecondsPerIteration:F1} it/s";
}
