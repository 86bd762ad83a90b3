"""Joins what cfr-gpu-bench and torch_cuda.py print into one table: gpu_table.py OURS PEER.

Ratio is PyTorch's time over ours, eager or compiled, whichever is faster: above 1 we are faster. The ceiling of memory-bound
work is the copy of this run; that of matrix products PyTorch's own 8192^3 product in the same precision. Products of few
operations a byte, with few rows or columns, are memory-bound work.
"""
import sys

FEW_FLOP_PER_BYTE = 50


def read(path):
    head, rows = "", {}
    for line in open(path):
        fields = line.rstrip("\n").split("\t")
        if line.startswith("#"):
            head = head or line[1:].strip().replace("\t", ", ")
        elif len(fields) >= 3:
            rows[fields[0]] = fields[1:]
    return head, rows


def best(fields):
    return min(float(field) for field in fields if field != "-")


def main():
    head, ours = read(sys.argv[1])
    peer_head, peer = read(sys.argv[2])
    copy = float(ours["copy 256 MiB"][2]) / float(ours["copy 256 MiB"][0]) / 1e6 if "copy 256 MiB" in ours else None
    ceilings = {p: 2 * 8192 ** 3 / best(peer[f"matmul 8192x8192x8192 {p}"]) / 1e9
                for p in ("tf32", "bf16") if f"matmul 8192x8192x8192 {p}" in peer}
    print(f"Ours: {head}. Peer: {peer_head}.\n")
    print("| work | ours ms | rate | of the ceiling | PyTorch ms | ratio |\n| --- | --- | --- | --- | --- | --- |")
    for name, (ms, flop, size) in ours.items():
        ms, flop, size = float(ms), float(flop), float(size)
        key = name.replace(" from fp32", "")
        others = [best(fields) for other, fields in peer.items() if other in (key, key + ", channels last")]
        if flop > FEW_FLOP_PER_BYTE * size:
            ceiling = ceilings.get(key.split()[-1])
            rate, share = f"{flop / ms / 1e9:.0f} TFLOP/s", f"{flop / ms / 1e9 / ceiling:.0%}" if ceiling else ""
        elif size:
            rate, share = f"{size / ms / 1e6:.0f} GB/s", f"{size / ms / 1e6 / copy:.0%}" if copy else ""
        else:
            rate = share = ""
        theirs, ratio = (f"{min(others):.4f}", f"{min(others) / ms:.2f}") if others else ("", "")
        print(f"| {name} | {ms:.4f} | {rate} | {share} | {theirs} | {ratio} |")


main()
