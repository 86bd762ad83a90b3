namespace Cfr.Models;

/// <summary>Which outputs of a layer an adaptation changes: one of several runs of equal length.</summary>
/// <param name="Name">What its weights are named after: <c>q</c> makes <c>linear_a_q</c> and <c>linear_b_q</c>.</param>
/// <param name="Index">Number of the run, from 0.</param>
/// <param name="Count">How many runs the outputs are divided into.</param>
public sealed record LoraPart(string Name, int Index, int Count);
