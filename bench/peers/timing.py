"""How PyTorch is timed on a GPU: CUDA events, warm-up, several launches between events where one is short.

One line a work: name, median milliseconds of eager mode and of torch.compile (a dash where there is none), and the most memory
in MiB that was allocated while each ran, its operands included; separated by tabs. Arguments of a program that uses this: a part
of the names to select, and --no-compile, for torch.compile takes most of the time that there is.
"""
import argparse
import gc
import sys

import torch

MOST_REPEATS, FEWEST_REPEATS, WHOLE_MS = 25, 3, 2000.0
WARM_UP_MS, BATCH_MS = 50.0, 2.0


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern", nargs="?", default="", help="times what has this in its name")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile")
    return parser.parse_args()


ARGUMENTS = arguments()


def print_head():
    print(f"# {torch.cuda.get_device_name()}\ttorch {torch.__version__}\tCUDA {torch.version.cuda}", flush=True)


def selected(name):
    return ARGUMENTS.pattern in name


def measure(work):
    """Median milliseconds and peak MiB. The peak is that of warm runs: cuDNN tries algorithms in the first."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def run(count):
        start.record()
        for _ in range(count):
            work()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / count

    once, warm = run(1), 0.0
    while warm < WARM_UP_MS:
        once = run(1)
        warm += max(once, 0.01)
    torch.cuda.reset_peak_memory_stats()
    batch = max(1, int(BATCH_MS / max(once, 1e-3)))
    repeats = min(MOST_REPEATS, max(FEWEST_REPEATS, int(WHOLE_MS / (batch * max(once, 1e-3)))))
    milliseconds = sorted(run(batch) for _ in range(repeats))[repeats // 2]
    return milliseconds, torch.cuda.max_memory_allocated() / 2 ** 20


def attempt(name, work):
    """Two fields of a line. What PyTorch cannot do here costs these two alone."""
    try:
        milliseconds, peak = measure(work())
        return f"{milliseconds:.6f}", f"{peak:.1f}"
    except Exception as error:  # memory, a missing compiler on the machine, an op that it does not know
        print(f"# {name}: {type(error).__name__}: {str(error).strip().splitlines()[:1]}", file=sys.stderr, flush=True)
        return "-", "-"


def report(name, eager=None, compiled=None):
    """A line of the works that these two make; either may be missing."""
    if not selected(name):
        return
    fields = []
    for mode, make in (("eager", eager), ("compiled", None if ARGUMENTS.no_compile else compiled)):
        fields.append(attempt(f"{name}, {mode}", make) if make else ("-", "-"))
        gc.collect()
        torch.cuda.empty_cache()
        if not ARGUMENTS.no_compile:
            torch.compiler.reset()  # of one function only so many shapes are compiled
    times, peaks = zip(*fields)
    if any(time != "-" for time in times):
        print("\t".join((name,) + times + peaks), flush=True)
