#!/usr/bin/env python3
"""Writes src/Cfr.Pipeline/Doctor/golden.json: what a few ops give, in double precision.

Plain Python, whose numbers are doubles. Inputs are value(i, salt), multiples of 1/8192 that float32 holds exactly (and
bfloat16 and TF32 do not); the C# side makes the same (SelfTest.cs). Gradients are of sum(y u), u another such input: central differences in two
step sizes, extrapolated, good to about ten digits.
"""
import json, math, os

def value(i, salt): return ((i * 3571 + salt * 1237) % 8192 - 4095.5) / 4096
def values(n, salt): return [value(i, salt) for i in range(n)]

def matmul(a, b):                                       # [5, 7] [7, 6] -> [5, 6]
    return [sum(a[r * 7 + k] * b[k * 6 + c] for k in range(7)) for r in range(5) for c in range(6)]

def conv3d(x, w, b):                                    # [1, 4, 3, 5, 2], [3, 3, 3, 2, 3], [3], padding 1 -> [1, 4, 3, 5, 3]
    y = []
    for d in range(4):
        for h in range(3):
            for v in range(5):
                for o in range(3):
                    s = b[o]
                    for i in range(3):
                        for j in range(3):
                            for k in range(3):
                                p, q, r = d + i - 1, h + j - 1, v + k - 1
                                if 0 <= p < 4 and 0 <= q < 3 and 0 <= r < 5:
                                    for c in range(2):
                                        s += x[((p * 3 + q) * 5 + r) * 2 + c] * w[(((i * 3 + j) * 3 + k) * 2 + c) * 3 + o]
                    y.append(s)
    return y

def attention(q, k, v):                                 # [1, 5, 8], [1, 6, 8], [1, 6, 8], two heads -> [1, 5, 8]
    y = [0.0] * 40
    for head in range(2):
        for i in range(5):
            scores = [sum(q[i * 8 + head * 4 + c] * k[j * 8 + head * 4 + c] for c in range(4)) / 2 for j in range(6)]
            e = [math.exp(s - max(scores)) for s in scores]
            for c in range(4):
                y[i * 8 + head * 4 + c] = sum(e[j] * v[j * 8 + head * 4 + c] for j in range(6)) / sum(e)
    return y

def batchnorm(x, w, b):                                 # [2, 3, 2, 2, 3], [3], [3] -> the same; eps 1e-5
    n = len(x) // 3
    y = [0.0] * len(x)
    for c in range(3):
        xs = [x[i * 3 + c] for i in range(n)]
        mean = math.fsum(xs) / n
        var = math.fsum((t - mean) ** 2 for t in xs) / n
        for i in range(n): y[i * 3 + c] = (x[i * 3 + c] - mean) / math.sqrt(var + 1e-5) * w[c] + b[c]
    return y

LABELS = [i * 5 % 7 % 3 for i in range(12)]

def segmentation(logits):                               # [12, 3], labels [12] -> 0.5 cross-entropy + 0.5 Dice
    p, ce = [], 0.0
    for i in range(12):
        row = logits[i * 3:i * 3 + 3]
        e = [math.exp(t - max(row)) for t in row]
        p.append([t / sum(e) for t in e])
        ce -= math.log(p[-1][LABELS[i]]) / 12
    dice, s = 0.0, 1e-5
    for k in range(3):
        both = sum(p[i][k] for i in range(12) if LABELS[i] == k)
        squares = sum(p[i][k] ** 2 for i in range(12)) + sum(1 for l in LABELS if l == k)
        dice += (1 - (2 * both + s) / (squares + s)) / 3
    return [0.5 * ce + 0.5 * dice]

CASES = {
    "matmul": (matmul, [35, 42]),
    "conv3d": (conv3d, [120, 162, 3]),
    "attention": (attention, [40, 48, 48]),
    "batch norm": (batchnorm, [72, 3, 3]),
    "segmentation loss": (segmentation, [36]),
}

def gradients(op, inputs):
    u = [1.0] if len(op(*inputs)) == 1 else values(len(op(*inputs)), 99)
    def loss(which, at, step):
        moved = [list(x) for x in inputs]
        moved[which][at] += step
        return math.fsum(a * b for a, b in zip(op(*moved), u))
    def difference(which, at, step): return (loss(which, at, step) - loss(which, at, -step)) / (2 * step)
    return [[(4 * difference(w, i, 1e-3) - difference(w, i, 2e-3)) / 3 for i in range(len(x))] for w, x in enumerate(inputs)]

golden = {}
for name, (op, sizes) in CASES.items():
    inputs = [values(n, salt) for salt, n in enumerate(sizes)]
    golden[name] = {"result": [round(t, 12) for t in op(*inputs)],
                    "gradients": [[round(t, 10) for t in g] for g in gradients(op, inputs)]}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src", "Cfr.Pipeline", "Doctor", "golden.json")
with open(path, "w") as file:
    file.write("{\n" + ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in golden.items()) + "\n}\n")
