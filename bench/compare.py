"""Times the same work in CFR and in PyTorch, in turn, and prints a table of ratios.

    python3 bench/compare.py [--threads 1 2] [--runs 9] [--only TEXT]

Builds bench/Cfr.Bench first. Both programs stay loaded; each run of one is followed by a run of the other, so that a change in
the machine's speed meets both. A ratio is PyTorch's time / ours: above 1 CFR is faster. It is the median of the pairs' ratios.
Memory is what one run takes beyond its inputs: for CFR the most that its pool lent, for PyTorch the growth of the process. For a
network it is the largest resident size of the whole process, which runs nothing else.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))

NETWORKS = [  # the same, each phase in processes of its own
    ("V-Net: 112x112x80, batch 1", ["forward"], 1.5),
    ("V-Net: 112x112x80, batch 1", ["training step"], 1.3),
    ("SAM ViT-B encoder: 1024x1024, batch 1", ["forward"], 1.5),
    ("SAM ViT-B encoder: 1024x1024, batch 1", ["LoRA training step"], 1.3),
    ("sliding window: 190x142x88, 8 windows of 112x112x80", ["labels"], 1.3),
]

ROWS = [  # case, phases, aim
    ("matmul: 768x768x768", ["forward"], 1.0),
    ("matmul: 3072x3072x768", ["forward"], 1.0),
    ("matmul: 1536x768x3072", ["forward"], 1.0),
    ("conv3d: 3x3x3, 16 channels at 112x112x80", ["forward"], 1.5),
    ("conv3d: 3x3x3, 32 channels at 56x56x40", ["forward"], 1.2),
    ("conv3d: 3x3x3, 64 channels at 28x28x20", ["forward"], 1.0),
    ("conv3d: 3x3x3, 16 channels at 112x112x80", ["gradient of x", "gradient of weight"], 1.2),
    ("conv3d: 3x3x3, 32 channels at 56x56x40", ["gradient of x", "gradient of weight"], 1.2),
    ("conv3d: 3x3x3, 64 channels at 28x28x20", ["gradient of x", "gradient of weight"], 1.2),
    ("transposed conv3d: 2x2x2 stride 2, 32 to 16 channels to 112x112x80", ["forward+backward"], 1.2),
    ("conv3d: 3x3x3, 128 channels at 14x14x10", ["forward", "backward"], None),
    ("conv3d: 3x3x3, 256 channels at 7x7x5", ["forward", "backward"], None),
    ("conv3d: 3x3x3, 1 to 16 channels at 112x112x80", ["forward", "gradient of weight"], None),
    ("conv3d: 1x1x1, 16 to 2 channels at 112x112x80", ["forward", "backward"], None),
    ("conv3d: 2x2x2 stride 2, 16 to 32 channels from 112x112x80", ["forward", "backward"], None),
    ("conv2d: 16x16 stride 16, 3 to 768 channels from 1024x1024", ["forward"], None),
    ("conv2d: 3x3, 256 channels at 64x64", ["forward"], None),
    ("linear: 4096 x 768 to 2304", ["forward", "backward"], None),
    ("linear: 4096 x 768 to 3072, GELU", ["forward"], None),
    ("linear: 4096 x 3072 to 768, residual", ["forward"], None),
    ("attention: 4096 tokens, 12 heads of 64, relative positions", ["forward"], 1.5),
    ("attention: 4096 tokens, 12 heads of 64, relative positions", ["backward"], None),
    ("attention: 25 windows of 196 tokens, 12 heads of 64, relative positions", ["forward", "backward"], None),
    ("attention: 7 to 4096 tokens, 8 heads of 16", ["forward"], None),
    ("attention: 4096 to 7 tokens, 8 heads of 16", ["forward"], None),
    ("batch norm: 16 channels at 112x112x80, ReLU", ["forward", "backward"], 1.0),
    ("layer norm: 4096 x 768", ["forward", "backward"], 1.0),
    ("gelu: 4096 x 768", ["forward", "backward"], 1.0),
    ("add: 4096 x 768", ["forward"], None),
    ("add: bias of 768 to 4096 x 768", ["forward", "backward"], None),
    ("dropout: 4096 x 768", ["forward"], None),
    ("channel dropout: 16 channels at 112x112x80", ["forward"], None),
    ("sum: columns of 4096 x 768", ["forward"], None),
    ("sum: rows of 4096 x 768", ["forward"], None),
    ("sum: 16 channels at 112x112x80", ["forward"], None),
    ("arg-max: 2 classes at 112x112x80", ["forward"], None),
    ("permute: 12 heads of 4096 x 64", ["forward"], None),
    ("permute: 4096 x 768 transposed", ["forward"], None),
    ("concat: 32 and 32 channels at 56x56x40", ["forward"], None),
    ("softmax: 4096 x 768", ["forward", "backward"], 1.0),
    ("softmax: 2 classes at 112x112x80", ["forward", "backward"], None),
    ("softmax: 14 classes at 112x112x80", ["forward", "backward"], None),
    ("segmentation loss: 2 classes at 112x112x80", ["forward", "backward"], None),
    ("segmentation loss: 14 classes at 112x112x80", ["forward", "backward"], None),
    ("max pool3d: 2x2x2, 16 channels at 112x112x80", ["forward", "backward"], None),
    ("resize: 256 to 1024, 1 channel", ["forward", "backward"], None),
    ("resize: 56x56x40 to 112x112x80, 16 channels", ["forward", "backward"], None),
    ("resize: 14x14x10 to 112x112x80, 2 channels", ["forward", "backward"], None),
]


class Program:
    def __init__(self, command, **environment):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"no answer to '{line}'")
        return [float(word) for word in answer.split()]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def measure(ours, theirs, line, runs):
    """Two warm-up runs, then pairs; long work is run less often."""
    for _ in range(2):
        slowest = max(ours.ask(line)[0], theirs.ask(line)[0])
    pairs = max(3, min(runs, int(10 / max(slowest, 1e-3))))
    mine, other = [], []
    for _ in range(pairs):
        mine.append(ours.ask(line))
        time.sleep(0.02)
        other.append(theirs.ask(line))
        time.sleep(0.02)
    return mine, other


def compare(ours, theirs, case, phase, threads, aim, runs):
    """Prints a row of the table."""
    mine, other = measure(ours, theirs, f"{case} | {phase}", runs)
    ratios = [o[0] / m[0] for m, o in zip(mine, other)]
    milliseconds = [statistics.median(run[0] for run in runs) * 1e3 for runs in (mine, other)]
    megabytes = [max(run[1] for run in runs) / 1e6 for runs in (mine, other)]
    print(f"| {case} | {phase} | {threads} | {milliseconds[0]:.2f} | {milliseconds[1]:.2f} | "
          f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) | {aim or '-'} | "
          f"{megabytes[0]:.0f} / {megabytes[1]:.0f} |", flush=True)


def python_with_torch():
    """The Python that runs this, or else the first on the path, or the system's, that has torch."""
    folders = os.environ.get("PATH", "").split(os.pathsep) + ["/usr/bin"]
    for python in [sys.executable] + [os.path.join(folder, "python3") for folder in folders]:
        if os.access(python, os.X_OK):
            look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
            if subprocess.run([python, "-c", look], capture_output=True).returncode == 0:
                return python
    return None


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options.add_argument("--runs", type=int, default=9)
    options.add_argument("--only", default="")
    options.add_argument("--python", help="the Python that has torch; by default the first one found")
    chosen = options.parse_args()
    chosen.python = chosen.python or python_with_torch() or sys.exit("no python3 with torch found; name one with --python")

    project = os.path.join(HERE, "Cfr.Bench")
    subprocess.run(["dotnet", "build", "-c", "Release", "-v", "quiet", "--nologo", project], check=True)
    program = os.path.join(project, "bin", "Release", "net10.0", "Cfr.Bench.dll")
    print("| work | phase | threads | ours, ms | PyTorch, ms | ratio (min-max) | aim | MB, ours / PyTorch |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for threads in chosen.threads:
        def programs():
            return (Program(["dotnet", program, "serve"], CFR_THREADS=str(threads)),
                    Program([chosen.python, os.path.join(HERE, "peers", "torch_cpu.py"), str(threads)]))

        for case, phases, aim in NETWORKS:
            if chosen.only in case:
                for phase in phases:
                    ours, theirs = programs()
                    compare(ours, theirs, case, phase, threads, aim, chosen.runs)
                    ours.stop()
                    theirs.stop()
        ours, theirs = programs()
        for case, phases, aim in ROWS:
            if chosen.only in case:
                for phase in phases:
                    compare(ours, theirs, case, phase, threads, aim, chosen.runs)
        ours.stop()
        theirs.stop()



main()
