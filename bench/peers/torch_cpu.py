"""The work of bench/Cfr.Bench in PyTorch, on the CPU: the same names, shapes and phases.

Reads lines "CASE | PHASE" and answers each with the seconds of one run and by how many bytes it made the process grow at its
largest (for a network: how large the process ever was). THREADS is the first argument. Needs PyTorch with a real BLAS; on
Debian: python3-torch libopenblas0-pthread. Activations are PyTorch's contiguous layout, its usual one.
"""
import math
import os
import re
import sys
import time

# OpenBLAS counts its threads by itself, whatever PyTorch is told, and only when it is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = sys.argv[1]

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

import sam  # noqa: E402
import vnet  # noqa: E402


def blas():
    """The BLAS library that this process has loaded, by its file."""
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "blas" in line.lower() and "/" in line}
    return sorted(os.path.realpath(path) for path in paths)


def check_blas():
    torch.mm(torch.ones(8, 8), torch.ones(8, 8))
    found = blas()
    print("BLAS: " + (", ".join(found) or "built in"), file=sys.stderr)
    if any(re.search(r"/(lib)?blas/", path) for path in found) and not any("openblas" in p or "mkl" in p for p in found):
        sys.exit("this is the reference BLAS, some 20 times slower than a tuned one: install libopenblas0-pthread")


def random(*shape):
    return torch.rand(*shape) * 2 - 1


def volume(c, *size, n=1):
    return random(n, c, *size)


def matmul(m, n, k):
    return [("a", random(m, k)), ("b", random(k, n))], torch.mm


def linear(rows, inputs, outputs, activation=None, residual=False):
    tensors = [("x", random(rows, inputs)), ("weight", random(outputs, inputs)), ("bias", random(outputs))]
    if residual:
        return tensors + [("residual", random(rows, outputs))], lambda x, w, b, r: F.linear(x, w, b) + r
    return tensors, lambda x, w, b: (activation or (lambda y: y))(F.linear(x, w, b))


def conv3d(inputs, outputs, kernel, stride, padding, *size):
    return ([("x", volume(inputs, *size)), ("weight", random(outputs, inputs, kernel, kernel, kernel)),
             ("bias", random(outputs))],
            lambda x, w, b: F.conv3d(x, w, b, stride=stride, padding=padding))


def conv2d(inputs, outputs, kernel, stride, padding, *size):
    return ([("x", volume(inputs, *size)), ("weight", random(outputs, inputs, kernel, kernel)), ("bias", random(outputs))],
            lambda x, w, b: F.conv2d(x, w, b, stride=stride, padding=padding))


def conv_transpose3d():
    return ([("x", volume(32, 56, 56, 40)), ("weight", random(32, 16, 2, 2, 2)), ("bias", random(16))],
            lambda x, w, b: F.conv_transpose3d(x, w, b, stride=2))


def self_attention(batch, side, heads, width):
    """As in segment-anything: the whole attention matrix, the two relative terms added, softmax."""
    length, scale = side * side, 1 / math.sqrt(width)
    index = (torch.arange(side)[:, None] - torch.arange(side)[None, :]) + side - 1

    def run(qkv, rel_h, rel_w):
        q, k, v = qkv.reshape(batch, length, 3, heads, width).permute(2, 0, 3, 1, 4).reshape(
            3, batch * heads, length, width).unbind(0)
        logits = (q * scale) @ k.transpose(-2, -1)
        grid = q.reshape(batch * heads, side, side, width)
        by_row = torch.einsum("bhwc,hkc->bhwk", grid, rel_h[index])
        by_column = torch.einsum("bhwc,wkc->bhwk", grid, rel_w[index])
        logits = (logits.view(batch * heads, side, side, side, side) + by_row[..., None] + by_column[..., None, :]).view(
            batch * heads, length, length)
        y = logits.softmax(-1) @ v
        return y.view(batch, heads, length, width).permute(0, 2, 1, 3).reshape(batch, length, heads * width)

    inputs = [("qkv", random(batch, length, 3 * heads * width)),
              ("height", random(2 * side - 1, width)), ("width", random(2 * side - 1, width))]
    return inputs, run


def cross_attention(queries, keys, heads, width):
    def split(x):
        return x.view(1, -1, heads, width).transpose(1, 2)

    def run(q, k, v):
        logits = (split(q) @ split(k).transpose(-2, -1)) / math.sqrt(width)
        return (logits.softmax(-1) @ split(v)).transpose(1, 2).reshape(1, queries, heads * width)

    return [("q", random(1, queries, heads * width)), ("k", random(1, keys, heads * width)),
            ("v", random(1, keys, heads * width))], run


def batch_norm_relu():
    return ([("x", volume(16, 112, 112, 80)), ("weight", random(16)), ("bias", random(16))],
            lambda x, w, b: F.relu(F.batch_norm(x, None, None, w, b, training=True)))


def layer_norm():
    return ([("x", random(4096, 768)), ("weight", random(768)), ("bias", random(768))],
            lambda x, w, b: F.layer_norm(x, (768,), w, b, 1e-6))


def max_pool3d():
    return [("x", volume(16, 112, 112, 80))], lambda x: F.max_pool3d(x, 2)


def resize(c, before, after, mode):
    return [("x", volume(c, *before))], lambda x: F.interpolate(x, size=after, mode=mode, align_corners=False)


def segmentation_loss(classes):
    labels = torch.randint(0, classes, (1, 112, 112, 80))
    return [("logits", volume(classes, 112, 112, 80))], lambda logits: vnet.segmentation_loss(logits, labels)


def softmax_of_classes(classes):
    return [("x", volume(classes, 112, 112, 80))], lambda x: F.softmax(x, 1)


WORK = {
    "matmul: 768x768x768": lambda: matmul(768, 768, 768),
    "matmul: 3072x3072x768": lambda: matmul(3072, 3072, 768),
    "matmul: 1536x768x3072": lambda: ([("a", random(1536, 3072)), ("b", random(768, 3072))], F.linear),
    "conv3d: 3x3x3, 16 channels at 112x112x80": lambda: conv3d(16, 16, 3, 1, 1, 112, 112, 80),
    "conv3d: 3x3x3, 32 channels at 56x56x40": lambda: conv3d(32, 32, 3, 1, 1, 56, 56, 40),
    "conv3d: 3x3x3, 64 channels at 28x28x20": lambda: conv3d(64, 64, 3, 1, 1, 28, 28, 20),
    "conv3d: 3x3x3, 128 channels at 14x14x10": lambda: conv3d(128, 128, 3, 1, 1, 14, 14, 10),
    "conv3d: 3x3x3, 256 channels at 7x7x5": lambda: conv3d(256, 256, 3, 1, 1, 7, 7, 5),
    "conv3d: 3x3x3, 1 to 16 channels at 112x112x80": lambda: conv3d(1, 16, 3, 1, 1, 112, 112, 80),
    "conv3d: 1x1x1, 16 to 2 channels at 112x112x80": lambda: conv3d(16, 2, 1, 1, 0, 112, 112, 80),
    "conv3d: 2x2x2 stride 2, 16 to 32 channels from 112x112x80": lambda: conv3d(16, 32, 2, 2, 0, 112, 112, 80),
    "transposed conv3d: 2x2x2 stride 2, 32 to 16 channels to 112x112x80": conv_transpose3d,
    "conv2d: 16x16 stride 16, 3 to 768 channels from 1024x1024": lambda: conv2d(3, 768, 16, 16, 0, 1024, 1024),
    "conv2d: 3x3, 256 channels at 64x64": lambda: conv2d(256, 256, 3, 1, 1, 64, 64),
    "linear: 4096 x 768 to 2304": lambda: linear(4096, 768, 2304),
    "linear: 4096 x 768 to 3072, GELU": lambda: linear(4096, 768, 3072, F.gelu),
    "linear: 4096 x 3072 to 768, residual": lambda: linear(4096, 3072, 768, residual=True),
    "attention: 4096 tokens, 12 heads of 64, relative positions": lambda: self_attention(1, 64, 12, 64),
    "attention: 25 windows of 196 tokens, 12 heads of 64, relative positions": lambda: self_attention(25, 14, 12, 64),
    "attention: 7 to 4096 tokens, 8 heads of 16": lambda: cross_attention(7, 4096, 8, 16),
    "attention: 4096 to 7 tokens, 8 heads of 16": lambda: cross_attention(4096, 7, 8, 16),
    "batch norm: 16 channels at 112x112x80, ReLU": batch_norm_relu,
    "layer norm: 4096 x 768": layer_norm,
    "gelu: 4096 x 768": lambda: ([("x", random(4096, 768))], lambda x: F.gelu(x)),
    "add: 4096 x 768": lambda: ([("a", random(4096, 768)), ("b", random(4096, 768))], torch.add),
    "add: bias of 768 to 4096 x 768": lambda: ([("a", random(4096, 768)), ("b", random(768))], torch.add),
    "dropout: 4096 x 768": lambda: ([("x", random(4096, 768))], lambda x: F.dropout(x, 0.1)),
    "channel dropout: 16 channels at 112x112x80": lambda: ([("x", volume(16, 112, 112, 80))], lambda x: F.dropout3d(x, 0.5)),
    "sum: columns of 4096 x 768": lambda: ([("x", random(4096, 768))], lambda x: x.sum(0)),
    "sum: rows of 4096 x 768": lambda: ([("x", random(4096, 768))], lambda x: x.sum(1)),
    "sum: 16 channels at 112x112x80": lambda: ([("x", volume(16, 112, 112, 80))], lambda x: x.sum((0, 2, 3, 4))),
    "arg-max: 2 classes at 112x112x80": lambda: ([("x", volume(2, 112, 112, 80))], lambda x: x.argmax(1)),
    "permute: 12 heads of 4096 x 64": lambda: (
        [("x", random(4096, 12, 64))], lambda x: x.permute(1, 0, 2).contiguous()),
    "permute: 4096 x 768 transposed": lambda: ([("x", random(4096, 768))], lambda x: x.t().contiguous()),
    "concat: 32 and 32 channels at 56x56x40": lambda: (
        [("x0", volume(32, 56, 56, 40)), ("x1", volume(32, 56, 56, 40))], lambda a, b: torch.cat((a, b), 1)),
    "softmax: 4096 x 768": lambda: ([("x", random(4096, 768))], lambda x: F.softmax(x, -1)),
    "softmax: 2 classes at 112x112x80": lambda: softmax_of_classes(2),
    "softmax: 14 classes at 112x112x80": lambda: softmax_of_classes(14),
    "segmentation loss: 2 classes at 112x112x80": lambda: segmentation_loss(2),
    "segmentation loss: 14 classes at 112x112x80": lambda: segmentation_loss(14),
    "max pool3d: 2x2x2, 16 channels at 112x112x80": max_pool3d,
    "resize: 256 to 1024, 1 channel": lambda: resize(1, (256, 256), (1024, 1024), "bilinear"),
    "resize: 56x56x40 to 112x112x80, 16 channels": lambda: resize(16, (56, 56, 40), (112, 112, 80), "trilinear"),
    "resize: 14x14x10 to 112x112x80, 2 channels": lambda: resize(2, (14, 14, 10), (112, 112, 80), "trilinear"),
}


class NetworkWork:
    """The V-Net on one volume: forward in evaluation mode, or a training step."""
    NAME = "V-Net: 112x112x80, batch 1"

    def __init__(self, phase):
        torch.manual_seed(1)
        self.trains = phase == "training step"
        self.network = vnet.VNet().train(self.trains)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
        self.x, self.labels = random(1, 1, 112, 112, 80), torch.randint(0, 2, (1, 112, 112, 80))

    def seconds(self):
        start = time.perf_counter()
        if self.trains:
            loss = vnet.segmentation_loss(self.network(self.x), self.labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        else:
            with torch.no_grad():
                self.network(self.x)
        return time.perf_counter() - start

    def bytes(self, before):
        return memory("VmHWM")


class SamEncoderWork:
    """SAM's image encoder on one image: forward, or a training step of its LoRA."""
    NAME = "SAM ViT-B encoder: 1024x1024, batch 1"

    def __init__(self, phase):
        torch.manual_seed(1)
        self.encoder = sam.ImageEncoder()
        self.optimizer = torch.optim.AdamW(self.encoder.add_lora(), lr=1e-3) if phase == "LoRA training step" else None
        self.image, self.upstream = random(1, 3, 1024, 1024), random(1, 256, 64, 64)

    def seconds(self):
        start = time.perf_counter()
        if self.optimizer:
            loss = (self.encoder(self.image) * self.upstream).sum()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        else:
            with torch.no_grad():
                self.encoder(self.image)
        return time.perf_counter() - start

    def bytes(self, before):
        return memory("VmHWM")


class SlidingWindowWork:
    """A scan segmented in windows, as the published semi-supervised programs do it."""
    NAME = "sliding window: 190x142x88, 8 windows of 112x112x80"

    def __init__(self):
        torch.manual_seed(1)
        self.network = vnet.VNet().eval()
        self.scan = random(190, 142, 88).numpy()

    def seconds(self):
        start = time.perf_counter()
        patch = (112, 112, 80)
        score = np.zeros((2,) + self.scan.shape, np.float32)
        count = np.zeros(self.scan.shape, np.float32)
        for x in (0, 78):
            for y in (0, 30):
                for z in (0, 8):
                    window = tuple(slice(at, at + size) for at, size in zip((x, y, z), patch))
                    with torch.no_grad():
                        logits = self.network(torch.from_numpy(self.scan[window][None, None].copy()))
                        score[(slice(None),) + window] += F.softmax(logits, 1)[0].numpy()
                    count[window] += 1
        np.argmax(score / count, 0)
        return time.perf_counter() - start

    def bytes(self, before):
        return memory("VmHWM")


class OpWork:
    def __init__(self, name, phase):
        torch.manual_seed(1)
        self.inputs, self.run = WORK[name]()
        self.phase = phase
        self.wanted = []
        for label, tensor in self.inputs:
            if phase in ("backward", "forward+backward") or phase == "gradient of " + label:
                self.wanted.append(tensor.requires_grad_())
        if phase != "forward":
            with torch.no_grad():
                self.upstream = torch.rand_like(self.run(*[t for _, t in self.inputs])) * 2 - 1

    def seconds(self):
        tensors = [tensor for _, tensor in self.inputs]
        start = time.perf_counter()
        if self.phase == "forward":
            with torch.no_grad():
                self.run(*tensors)
            return time.perf_counter() - start
        y = self.run(*tensors)
        if self.phase != "forward+backward":
            start = time.perf_counter()
        torch.autograd.grad(y, self.wanted, self.upstream)
        return time.perf_counter() - start

    def bytes(self, before):
        return max(0, memory("VmHWM") - before)


def memory(name):
    """VmRSS or VmHWM of this process in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))


def forget_peak():
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


def main():
    torch.set_num_threads(int(sys.argv[1]))
    check_blas()
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread(s)", file=sys.stderr)
    name, work = None, None
    for line in sys.stdin:
        line = line.strip()
        if line != name:
            name, work = line, None
            case, phase = line.split(" | ")
            whole = {NetworkWork.NAME: lambda: NetworkWork(phase), SlidingWindowWork.NAME: SlidingWindowWork,
                     SamEncoderWork.NAME: lambda: SamEncoderWork(phase)}
            work = whole.get(case, lambda: OpWork(case, phase))()
        if isinstance(work, OpWork):
            forget_peak()
        before = memory("VmRSS")
        seconds = work.seconds()
        print(repr(seconds), work.bytes(before), flush=True)


main()
