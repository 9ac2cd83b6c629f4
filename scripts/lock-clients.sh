#!/bin/sh
# Writes tests/clients/requirements/*.txt from the *.in beside them: every package of the clients that the tests run,
# pinned, with the sha256 of its files, for CPython 3.11 and newer. `lock-clients.sh NAME...` does only these; PYTHON
# names the interpreter for the tools.
set -eu
cd "$(dirname "$0")/../tests/clients/requirements"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools/venv"
"$tools/venv/bin/pip" install --quiet uv==0.13.9
export UV_PYTHON_DOWNLOADS=never
[ $# -gt 0 ] || set -- $(ls *.in | sed 's/\.in$//')
for name in "$@"; do
  overrides=/dev/null
  [ ! -f "$name.overrides" ] || overrides=$name.overrides
  # The environment of the tasks that install it has the rest.
  depth=
  [ "$name" != snakemake-tasks ] || depth=--no-deps
  "$tools/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --no-header --no-emit-index-url --no-emit-find-links --override "$overrides" $depth "$name.in" \
    --output-file "$name.txt" >/dev/null
  echo "$name: $(grep -c == "$name.txt") pins"
done
