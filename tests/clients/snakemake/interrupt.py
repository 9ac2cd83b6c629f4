"""interrupt.py FILE COMMAND...: runs the command, and presses Ctrl-C for it once the file is there."""
import os
import signal
import subprocess
import sys
import time

LIMIT_S = 100

child = subprocess.Popen(sys.argv[2:])
end = time.monotonic() + LIMIT_S
while not os.path.exists(sys.argv[1]) and child.poll() is None and time.monotonic() < end:
    time.sleep(0.1)
child.send_signal(signal.SIGINT)
sys.exit(child.wait())
