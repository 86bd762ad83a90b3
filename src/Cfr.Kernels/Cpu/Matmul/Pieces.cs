namespace Cfr.Kernels.Cpu;

/// <summary>
/// Runs pieces of work on a team of threads, or, where the work is too small or already on one of them, here.
/// </summary>
static class Pieces
{
    public static void For(Threads? threads, int pieces, Action<int> body)
    {
        if (threads is not null)
            threads.For(pieces, body);
        else
            for (int piece = 0; piece < pieces; piece++) body(piece);
    }
}
