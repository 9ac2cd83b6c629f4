#!/bin/sh
# Writes src/pulsar/embedded/requirements.txt: every package of the embedded Pulsar, pinned, with the sha256 of each
# file of that version, for CPython 3.11 to 3.14 on Linux and macOS (markers say which Python needs which package).
# Run it after a change of requirements.in; PYTHON names the interpreter (3.11 or later), --upgrade moves the pins.
set -eu
cd "$(dirname "$0")/../src/pulsar/embedded"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools/venv"
"$tools/venv/bin/pip" install --quiet uv==0.13.9
"$tools/venv/bin/uv" pip compile --universal --python-version 3.11 --generate-hashes --only-binary :all: \
  --no-annotate --no-header --no-emit-index-url --no-emit-find-links "$@" \
  requirements.in --output-file requirements.txt >/dev/null
# Windows is not a place Pulsar runs at: drop what only it needs.
python=$tools/venv/bin/python
"$python" - requirements.txt <<'PY'
import re, sys
path = sys.argv[1]
blocks = re.findall(r'^\S.*(?:\n .*)*\n', open(path).read(), re.M)
kept = [block for block in blocks if "sys_platform == 'win32'" not in block]
open(path, 'w').write(''.join(kept))
print(f'{len(kept)} packages, {sum(block.count("--hash") for block in kept)} hashes')
PY
