#!/bin/sh
# Writes src/pulsar/embedded/requirements.txt: every package of the embedded Pulsar, pinned, with the sha256 of each
# file of that version, for CPython 3.9.2 to 3.14 on Linux and macOS (markers say which Python needs which package), and
# proves that each of them finds a wheel for every package. Run it after a change of requirements.in; PYTHON names the
# interpreter for the tools, any that fits; --upgrade moves the pins.
set -eu
cd "$(dirname "$0")/../src/pulsar/embedded"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools/venv"
"$tools/venv/bin/pip" install --quiet uv==0.13.9
export UV_PYTHON_DOWNLOADS=never MACOSX_DEPLOYMENT_TARGET=13.0
# Cheetah has no wheel for Macs with an Intel processor; only Galaxy's tool parsers import it, and Pulsar's jobs use none.
echo "ct3 ; sys_platform != 'darwin' or platform_machine != 'x86_64'" >"$tools/overrides.txt"
"$tools/venv/bin/uv" pip compile --quiet --universal --python-version 3.9.2 --generate-hashes --only-binary :all: \
  --no-annotate --no-header --no-emit-index-url --no-emit-find-links --override "$tools/overrides.txt" "$@" \
  requirements.in --output-file requirements.txt >/dev/null
# Windows is not a place Pulsar runs at: drop what only it needs.
"$tools/venv/bin/python" - requirements.txt <<'PY'
import re, sys
path = sys.argv[1]
windows = "sys_platform == 'win32'"
text = open(path).read().replace(f' or {windows}', '')
blocks = [block for block in re.findall(r'^\S.*(?:\n .*)*\n', text, re.M) if windows not in block]
open(path, 'w').write(''.join(blocks))
print(f'{len(blocks)} pins, {sum(block.count("--hash") for block in blocks)} hashes')
PY
for version in 3.9.2 3.10 3.11 3.12 3.13 3.14; do
  for platform in x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin x86_64-apple-darwin; do
    "$tools/venv/bin/uv" pip install --quiet --dry-run --target "$tools/none" --no-deps --require-hashes \
      --only-binary :all: --python-version "$version" --python-platform "$platform" -r requirements.txt ||
      { echo "not installable with Python $version on $platform" >&2; exit 1; }
  done
done
