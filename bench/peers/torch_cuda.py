"""The work of bench/Cfr.GpuBench in PyTorch, on a GPU: the same names, shapes and random data. What single layers and whole
networks take is in torch_cuda_networks.py; how both time and what they print in timing.py.
"""
import torch
import torch.nn.functional as F

import timing

SHAPES = [(2048, 2048, 2048), (4096, 4096, 4096), (8192, 8192, 8192),
          (4096, 768, 768), (4096, 768, 2304), (4096, 768, 3072), (4096, 3072, 768),
          (16384, 768, 768), (16384, 768, 2304), (16384, 768, 3072), (16384, 3072, 768),
          (4096, 768, 4), (4096, 4, 768)]


def random(*shape, dtype=torch.float32):
    return (torch.rand(*shape, device="cuda") * 2 - 1).to(dtype)


def report(name, function, *arguments, compile=True):
    def compiled():
        faster = torch.compile(function, dynamic=False)
        return lambda: faster(*arguments)

    timing.report(name, lambda: lambda: function(*arguments), compiled if compile else None)


def matmuls(label, dtype, tf32, shapes):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    for m, k, n in shapes:
        report(f"matmul {m}x{k}x{n} {label}", F.linear, random(m, k, dtype=dtype), random(n, k, dtype=dtype), compile=False)


def gradient(function, *arguments):
    """The backward pass alone, of an output that is kept."""
    y = function(*arguments)
    dy = torch.rand_like(y) if y.dim() else torch.ones_like(y)
    inputs = [x for x in arguments if isinstance(x, torch.Tensor) and x.requires_grad]
    return lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True)


def memory_bound():
    n = 1 << 26
    a, b, y = random(n), random(n), torch.empty(n, device="cuda")
    rows = a.view(1 << 16, 1 << 10)
    report("copy 256 MiB", lambda x: y.copy_(x), a, compile=False)
    report("add 256 MiB", torch.add, a, b)
    report("gelu 256 MiB", F.gelu, a)
    kept = a.clone().requires_grad_()
    report("gelu backward 256 MiB", gradient(F.gelu, kept), compile=False)
    report("sum 256 MiB", torch.sum, a)
    report("row sums 65536x1024", lambda x: x.sum(1), rows)
    report("column sums 65536x1024", lambda x: x.sum(0), rows)
    report("transpose 8192x8192", lambda x: x.t().contiguous(), a.view(8192, 8192))
    report("softmax 65536x1024", lambda x: F.softmax(x, 1), rows)
    report("softmax backward 65536x1024", gradient(lambda x: F.softmax(x, 1), rows.clone().requires_grad_()), compile=False)
    report("dropout 256 MiB", lambda x: F.dropout(x, 0.1), a)
    report("normal 256 MiB", lambda: y.normal_(), compile=False)


def norms():
    x = random(65536, 768).requires_grad_()
    w, b = random(768).requires_grad_(), random(768).requires_grad_()
    layer = lambda x, w, b: F.layer_norm(x, (768,), w, b)
    with torch.no_grad():
        report("layer norm 65536x768", layer, x, w, b)
    report("layer norm backward 65536x768", gradient(layer, x, w, b), compile=False)
    for format in (torch.contiguous_format, torch.channels_last_3d):
        v = random(4, 16, 112, 112, 80).contiguous(memory_format=format).requires_grad_()
        s, t = random(16).requires_grad_(), random(16).requires_grad_()
        norm = lambda v, s, t: F.relu(F.batch_norm(v, None, None, s, t, training=True))
        last = ", channels last" if format == torch.channels_last_3d else ""
        with torch.no_grad():
            report("batch norm+relu 4x112x112x80x16" + last, norm, v, s, t)
        report("batch norm+relu backward 4x112x112x80x16" + last, gradient(norm, v, s, t), compile=False)


def training():
    rows = 4 * 112 * 112 * 80
    logits, labels = random(rows, 2).requires_grad_(), torch.randint(2, (rows,), device="cuda")

    def loss(logits, labels):
        p = torch.softmax(logits, 1)[:, 1]
        o = (labels == 1).float()
        dice = 1 - (2 * (p * o).sum() + 1e-5) / ((p * p).sum() + o.sum() + 1e-5)
        return 0.5 * F.cross_entropy(logits, labels) + 0.5 * dice

    with torch.no_grad():
        report("dice+ce 4x112x112x80, 2 classes", loss, logits, labels)
    report("dice+ce backward 4x112x112x80, 2 classes", gradient(loss, logits, labels), compile=False)
    sizes = [768 * 2304, 2304, 768 * 768, 768, 768 * 3072, 3072, 3072 * 768, 768, 768, 768, 768, 768] * 12
    weights = [torch.nn.Parameter(random(n)) for n in sizes]
    for weight in weights:
        weight.grad = random(weight.numel())
    report("adamw 85 M parameters", torch.optim.AdamW(weights, 1e-3, weight_decay=0.1, fused=True).step, compile=False)


def main():
    torch.manual_seed(1)
    timing.print_head()
    # First what compiles nothing: torch.compile takes most of the time that there is.
    matmuls("fp32", torch.float32, False, [(4096, 4096, 4096)])
    matmuls("tf32", torch.float32, True, SHAPES)
    matmuls("bf16", torch.bfloat16, False, SHAPES)
    torch.backends.cuda.matmul.allow_tf32 = False
    x, w, b = random(16384, 768, dtype=torch.bfloat16), random(3072, 768, dtype=torch.bfloat16), random(3072, dtype=torch.bfloat16)
    report("linear+bias+gelu 16384x768x3072 bf16", lambda x, w, b: F.gelu(F.linear(x, w, b)), x, w, b)
    memory_bound()
    norms()
    training()


main()
