namespace Cfr.Tensors;

/// <summary>
/// Gradient checkpointing (Chen 2016): the forward pass of a block keeps only its input; the backward pass runs the
/// block again, with the same random numbers, and walks that back.
/// </summary>
public static class Checkpointing
{
    /// <summary>
    /// y = block(x), keeping nothing but x. The block may use parameters and x, no other tensors that need a gradient;
    /// a gradient can be taken once, as always.
    /// </summary>
    public static Tensor Checkpoint(this Tensor x, Func<Tensor, Tensor> block)
    {
        Session session = x.Session;
        ulong draws = session.Random.Draws;
        bool laterBefore = session.GradientsComeLater;
        session.GradientsComeLater |= session.GradEnabled;
        Tensor y;
        try
        {
            using Session.GradMode mode = session.NoGrad();
            using Scope scope = session.Scope();
            // A block may return its input: the result needs a handle and a gradient slot of its own. Its input is what it
            // will be the second time: a handle that knows nothing but the numbers.
            y = scope.Return(block(x.Detach()).Detach());
        }
        finally
        {
            session.GradientsComeLater = laterBefore;
        }
        return y.RecordAlways(nameof(Checkpoint), [x], keep: [x], backward: g =>
        {
            Tensor input = g.Kept(0).Detach();
            if (g.Wants(0)) input.WithGrad();
            Tape outerTape = session.Tape;
            bool recomputingBefore = session.Recomputing;
            ulong drawsBefore = session.Random.Draws;
            session.Tape = new Tape();
            session.Random.Draws = draws;
            session.Recomputing = true;
            try
            {
                using Session.GradMode mode = session.SetGrad(true);
                Tensor again = block(input);
                if (again.RequiresGrad) session.Tape.Backward(again, g.OfResult);
            }
            finally
            {
                session.Tape.Truncate(0);
                session.Tape = outerTape;
                session.Random.Draws = drawsBefore;
                session.Recomputing = recomputingBefore;
            }
            if (input.Grad is { } gradient) g.Add(0, gradient);
        });
    }
}
