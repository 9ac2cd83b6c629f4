"""Engines of their own for other suites: starts a Lab, prints its environment as a line of JSON, and takes it down when
standard input ends. Usage: serve_lab.py FOLDER RUNTIME..."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.lab import Lab

folder, runtimes = sys.argv[1], sys.argv[2:]
lab = Lab(folder, runtimes)
try:
    print(json.dumps(lab.env), flush=True)
    sys.stdin.read()
finally:
    lab.close()
