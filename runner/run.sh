#!/bin/bash
# Starts the job runner of one Magnetar attempt. Pulsar runs `/bin/bash ../inputs/run.sh` in
# <job>/working; see docs/runner.md.

# A cancel in the first milliseconds marks the job but may miss the process.
[ -e ../cancelled ] && exit 143
umask 077
export LC_ALL=C.UTF-8

# Compiling the runner costs more than all else it does for a short task. The code object is kept
# beside the job folders, in a folder that only this uid may enter, under a name made of the
# source's SHA-256 and the exact interpreter.
boot='
import marshal, os, sys
for folder in ("../tes", "../metadata/tes"):
    try: os.makedirs(folder, 0o700)
    except FileExistsError: pass
log = os.open("../metadata/tes/runner.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
null = os.open("/dev/null", os.O_RDONLY)
for fd, number in ((null, 0), (log, 1), (log, 2)): os.dup2(fd, number)
os.close(log)
os.close(null)
try: from _sha2 import sha256
except ImportError:
    try: from _sha256 import sha256
    except ImportError: from hashlib import sha256
with open(sys.argv[1], "rb") as file: source = file.read()
folder = os.path.abspath("../../.tes-runner-%d" % os.geteuid())
python = "%s-%x" % (sys.implementation.cache_tag, sys.hexversion)
kept = "%s/%s-%s" % (folder, sha256(source).hexdigest(), python)
code = None
try:
    try: os.mkdir(folder, 0o700)
    except FileExistsError: pass
    info = os.lstat(folder)
    mine = info.st_mode & 0o170077 == 0o040000 and info.st_uid == os.geteuid()
except OSError: mine = False
try:
    if mine:
        with open(kept, "rb") as file: code = marshal.loads(file.read())
except (OSError, ValueError, EOFError, TypeError): pass
if code is None:
    code = compile(source, "runner.py", "exec", dont_inherit=True)
    try:
        if mine:
            part = "%s.%d" % (kept, os.getpid())
            with open(part, "wb") as file: file.write(marshal.dumps(code))
            os.rename(part, kept)
    except OSError: pass
exec(code, {"__name__": "__main__"})
'
run() { exec "$1" -I -S -B -W ignore -c "$boot" ../inputs/runner.py; }
# $TES_PYTHON is believed, because asking it costs as much as the runner's own start; the others
# must say that they are 3.6 or newer, without what their site-packages do at each start.
[ -n "$TES_PYTHON" ] && command -v "$TES_PYTHON" >/dev/null && run "$TES_PYTHON"
for python in python3 /usr/libexec/platform-python python3.14 python3.13 python3.12 python3.11 \
  python3.10 python3.9 python3.8 python3.7 python3.6 python; do
  command -v "$python" >/dev/null || continue
  "$python" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null && run "$python"
done

mkdir -p ../metadata/tes
job=$(cd .. && pwd)
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
message='no Python 3.6 or newer on this host; set TES_PYTHON'
error='{"code":"NO_PYTHON","message":"'$message'","phase":"preflight"}'
rest='"host":{},"system_logs":[],"executors":[],"inputs":[],"outputs":[]'
printf '{"v":1,"job":"%s","state":"SYSTEM_ERROR","start":"%s","end":"%s","error":%s,%s}\n' \
  "${job##*/}" "$now" "$now" "$error" "$rest" >../metadata/tes/report.tmp &&
  mv ../metadata/tes/report.tmp ../metadata/tes/report.json
rm -f ../inputs/plan.json
exit 0
