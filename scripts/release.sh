#!/usr/bin/env bash
# What a release consists of: sdist, wheel, bill of materials, sums and, with a key, a signature of the sums.
#   scripts/release.sh OUT [KEY]      KEY is an OpenSSH private key; `ssh-keygen -t ed25519 -f KEY` makes one
# Signed with OpenSSH because everybody has it, offline too; sigstore would need an identity on the network.
set -euo pipefail
out=${1:?usage: scripts/release.sh OUT [KEY]}
key=${2:-}
root=$(cd "$(dirname "$0")/.." && pwd)
bill=${CYCLONEDX:-$root/.audit/bin/cyclonedx-py}
command -v "$bill" >/dev/null || { echo "no $bill; \`make audit\` installs it, CYCLONEDX=... names another" >&2; exit 2; }
if [ -e "$out" ]; then echo "$out is there already; a release is made into a new folder" >&2; exit 2; fi
if [ -n "$key" ] && [ ! -r "$key" ]; then echo "the key $key cannot be read" >&2; exit 2; fi

mkdir -p "$out"
out=$(cd "$out" && pwd)
if [ -n "$key" ]; then key=$(realpath "$key"); fi
cd "$root"
"${PYTHON:-.venv/bin/python}" -m hatchling build -d "$out" >/dev/null
"$bill" requirements requirements/core.txt --pyproject pyproject.toml --of JSON --output-reproducible -o "$out/sbom.json" 2>/dev/null
cd "$out"
sha256sum -- *.whl *.tar.gz sbom.json >SHA256SUMS
if [ -n "$key" ]; then
    ssh-keygen -q -Y sign -f "$key" -n surveyor SHA256SUMS
    echo "signed; who has your public key checks it with:"
    echo "  ssh-keygen -Y check-novalidate -n surveyor -s SHA256SUMS.sig <SHA256SUMS && sha256sum -c SHA256SUMS"
fi
ls -1
