"""Joins what cfr-gpu-bench and the programs in bench/peers print into one table: gpu_table.py OURS PEER...

Ratio is PyTorch's time over ours, of its fastest way of doing the work: above 1 we are faster. MiB are the most that were allocated
meanwhile, operands and weights included. The roofline is what this run measured: the bandwidth of the copy, and PyTorch's own
8192^3 product in the same precision; its share is the longer of the two times that these allow, over ours.
"""
import sys

FEW_FLOP_PER_BYTE = 50  # memory-bound, where the run has no ceilings to tell


def read(path):
    head, rows = "", {}
    for line in open(path):
        fields = line.rstrip("\n").split("\t")
        if line.startswith("#"):
            head = head or line[1:].strip().replace("\t", ", ")
        elif len(fields) >= 3:
            rows[fields[0]] = fields[1:]
    return head, rows


def ways(fields):
    """(milliseconds, MiB) of eager mode and of torch.compile, where they are."""
    times, peaks = fields[:2], fields[2:]
    return [(float(time), float(peak)) for time, peak in zip(times, peaks) if time != "-"]


def main():
    head, ours = read(sys.argv[1])
    peer_head, peer = "", {}
    for path in sys.argv[2:]:
        other_head, rows = read(path)
        peer_head = peer_head or other_head
        peer.update(rows)
    copy = float(ours["copy 256 MiB"][2]) / float(ours["copy 256 MiB"][0]) if "copy 256 MiB" in ours else None
    ceilings = {p: 2 * 8192 ** 3 / min(ways(peer[f"matmul 8192x8192x8192 {p}"]))[0]
                for p in ("tf32", "bf16") if f"matmul 8192x8192x8192 {p}" in peer}
    print(f"Ours: {head}. Peer: {peer_head}.\n")
    print("| work | ours ms | rate | of the roofline | PyTorch ms | ratio | ours MiB | PyTorch MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, (ms, flop, size, peak) in ours.items():
        ms, flop, size = float(ms), float(flop), float(size)
        key = name.replace(" from fp32", "").replace(" checkpointed", "")
        ceiling = ceilings.get(key.split()[-1])
        computing, moving = flop / ceiling if ceiling else 0, size / copy if copy else 0
        computes = computing > moving if computing and moving else flop > FEW_FLOP_PER_BYTE * size
        rate = f"{flop / ms / 1e9:.0f} TFLOP/s" if computes else f"{size / ms / 1e6:.0f} GB/s" if size else ""
        floor = computing if computes else moving
        share = f"{floor / ms:.0%}" if floor else ""
        others = [way for other, fields in peer.items() if other == key or other.startswith(key + ", ") for way in ways(fields)]
        theirs, ratio, their_peak = "", "", ""
        if others:
            fastest, most = min(others)
            theirs, ratio, their_peak = f"{fastest:.4f}", f"{fastest / ms:.2f}", f"{most:.0f}"
        print(f"| {name} | {ms:.4f} | {rate} | {share} | {theirs} | {ratio} | {float(peak):.0f} | {their_peak} |")


main()
