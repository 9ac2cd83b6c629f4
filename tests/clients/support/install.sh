#!/bin/sh
# install.sh NAME: makes the virtual environment .cache/clients/NAME from requirements/NAME.txt: exactly these versions
# with exactly these hashes. Does nothing when it is there already; safe to call from several processes at once.
# What requirements/NAME-tasks.txt names goes into its folder wheels/, for tasks that install packages themselves.
set -eu
name=$1
here=$(cd "$(dirname "$0")/.." && pwd)
python=${MAGNETAR_TEST_CLIENT_PYTHON:-/usr/bin/python3}
pins=$here/requirements/$name.txt
wheels=$here/requirements/$name-tasks.txt
build=$here/requirements/build.txt
cache=$here/../../.cache/clients
mkdir -p "$cache"
cache=$(cd "$cache" && pwd -P) # the same for all checkouts that share it
target=$cache/$name

fail() {
  echo "cannot install $name from tests/clients/requirements/$name.txt: $1" >&2
  exit 1
}

"$python" -c 'import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$python is not a Python 3.11 or newer with venv (Debian: apt-get install python3-venv)"

exec 9>"$cache/$name.lock"
flock 9
stamp=$(cat "$here/requirements/$name"*.txt "$build" "$0" | sha256sum | cut -d ' ' -f 1)-$("$python" -V | tr ' ' -)-$target # its programs name their folder
[ "$(cat "$target/stamp" 2>/dev/null)" != "$stamp" ] || exit 0
rm -rf "$target"

"$python" -m venv "$target" || fail 'no virtual environment can be made'
bring() {
  "$target/bin/python" -m pip $1 --quiet --no-input --disable-pip-version-check --no-deps --require-hashes $2 -r "$3" ||
    fail 'the package index does not answer, or has another file'
}
# Some packages come as source only. What builds them is pinned too: pip fetches nothing that no file names.
bring install '' "$build"
bring install --no-build-isolation "$pins"
[ ! -f "$wheels" ] || bring download "--no-build-isolation --dest $target/wheels" "$wheels"
# Tasks may run as another user.
chmod -R a+rX "$target"
echo "$stamp" >"$target/stamp"
