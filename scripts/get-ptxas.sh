#!/usr/bin/env bash
# Fetches NVIDIA's ptxas (CUDA 12.4, which knows Hopper's warp groups) from Debian's non-free archive and puts it where
# `cfr kernels --report` and the tests look for it: a machine without a GPU or a CUDA toolkit can then assemble every
# kernel and count its registers and instructions. Needs Debian or a relative, apt-get and dpkg; 87 MB to download.
# Usage: scripts/get-ptxas.sh [FOLDER]      (default: the kernel cache's own folder `tools`)
set -euo pipefail
folder=${1:-${CFR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cfr}/tools}
if [[ -x $folder/ptxas ]] && "$folder/ptxas" --version | grep -q 'release 1[2-9]'; then echo "$folder"; exit 0; fi
for tool in apt-get dpkg; do
    command -v "$tool" > /dev/null || { echo "get-ptxas: $tool is not here; put CUDA's bin folder on the PATH instead" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=$(grep -hm1 '^URIs:' /etc/apt/sources.list.d/*.sources 2> /dev/null | awk '{print $2}' | head -n 1 || true)
[[ -n $archive ]] || archive=$(grep -hm1 '^deb ' /etc/apt/sources.list 2> /dev/null | awk '{print $2}' || true)
[[ -n $archive ]] || archive=http://deb.debian.org/debian
release=trixie
# A list of sources of its own: the machine's stay as they are.
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $release non-free" > "$work/sources.list"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
options=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
apt-get "${options[@]}" -qq update >&2
(cd "$work" && apt-get "${options[@]}" -qq download nvidia-cuda-toolkit >&2 && dpkg -x nvidia-cuda-toolkit_*.deb unpacked)
mkdir -p "$folder"
cp "$work"/unpacked/usr/bin/ptxas "$folder"
echo "$folder"
