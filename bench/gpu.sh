#!/usr/bin/env bash
# The GPU checks and benchmarks, on a machine with an NVIDIA GPU and PyTorch.
#   bench/gpu.sh pack [FILE]     where .NET is: builds everything the other machine needs (default bench/out/gpu.tar.gz)
#   bench/gpu.sh check [FOLDER]  where the GPU is, with or without .NET: every op case, on as many processes as processors
#   bench/gpu.sh run [FOLDER]    the same, then every benchmark here and in PyTorch; the table and what it is made of end
#                                up in FOLDER (default bench/out)
set -euo pipefail
cd "$(dirname "$0")/.."

pack() {
    local file=${1:-bench/out/gpu.tar.gz} folder
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' RETURN
    dotnet publish bench/Cfr.GpuBench -c Release -r linux-x64 --self-contained -p:DebugType=embedded \
        -p:SatelliteResourceLanguages=en -o "$folder" -v quiet
    mkdir -p "$(dirname "$file")"
    tar -czf "$file" -C "$folder" .
    du -h "$file"
}

# Sets `app`.
unpack() {
    app=bench/out/gpu-bench
    if [[ -f bench/out/gpu.tar.gz ]]; then
        mkdir -p "$app"
        tar -xzf bench/out/gpu.tar.gz -C "$app"
    elif command -v dotnet > /dev/null; then
        dotnet publish bench/Cfr.GpuBench -c Release -o "$app" -v quiet
    else
        echo "gpu.sh: neither bench/out/gpu.tar.gz (bench/gpu.sh pack) nor dotnet is here" >&2
        exit 1
    fi
    export CFR_CACHE=${CFR_CACHE:-$PWD/bench/out/cache}
}

# A fault loses one part of the cases only.
check() {
    local out=${1:-bench/out} app parts part pids=() status=0
    unpack
    mkdir -p "$out"
    parts=$(nproc)
    for part in $(seq "$parts"); do
        CFR_THREADS=1 timeout 300 "$app/cfr-gpu-bench" check "$part/$parts" > "$out/check-$part.part" 2>&1 &
        pids+=($!)
    done
    for part in "${pids[@]}"; do wait "$part" || status=$?; done
    cat "$out"/check-*.part > "$out/check.txt"
    rm "$out"/check-*.part
    grep -v ' cases passed, ' "$out/check.txt" | sort | uniq
    awk '/ cases passed, / { passed += $1; failed += $4; parts++ }
         END { printf "%d cases passed, %d failed; %d parts came to their end\n", passed, failed, parts }' "$out/check.txt"
    return "$status"
}

run() {
    local out=${1:-bench/out} app status=0
    unpack
    mkdir -p "$out"
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | tee "$out/machine.txt" || true
    check "$out" || status=$?
    timeout 180 "$app/cfr-gpu-bench" run | tee "$out/ours.tsv" || status=$?
    local peer
    for peer in torch_cuda torch_cuda_networks; do
        timeout 180 python3 "bench/peers/$peer.py" | tee "$out/$peer.tsv" || echo "gpu.sh: PyTorch stopped early or is not here" >&2
    done
    { echo "$(date -u +%F), bench/gpu.sh run, $(cat "$out/machine.txt")"; echo; python3 bench/gpu_table.py "$out"/ours.tsv "$out"/torch_cuda*.tsv; } |
        tee "$out/table.md"
    return "$status"
}

case ${1:-} in
    pack | check | run) "$@" ;;
    *) sed -n '2,7p' "$0" >&2; exit 2 ;;
esac
