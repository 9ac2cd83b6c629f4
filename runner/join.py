"""Prints the runner as jobs get it: one file, to which the line numbers in its traces belong.

The server joins it the same way (src/app/runner-files.ts); a unit test compares the two.
"""

import os
import re
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open('%s/%s' % (FOLDER, name), encoding='utf-8') as file:
        return file.read()


def join():
    parts = read('parts.txt').split()
    text = ''.join(read('src/%s.py' % part) for part in parts)
    return re.sub(r'^from \.\w+ import .*\n', '', text, flags=re.MULTILINE)


if __name__ == '__main__':
    sys.stdout.buffer.write(join().encode())
