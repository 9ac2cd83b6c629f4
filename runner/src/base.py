"""The job runner of Magnetar: carries out the plan of one attempt on a Pulsar host. This part: what
all others use.

docs/runner.md is its contract. It runs in `<job>/working` of Pulsar's job directory, keeps what is
its own in `<job>/tes` and leaves what the server reads in `<job>/metadata/tes`. Standard library
only, Python 3.6 or newer. A short task spends most of its time starting Python, so only C modules
that are always built in are imported here; everything else is imported where it is used.

Jobs get one file: the parts in the order of parts.txt, without their imports from each other
(join.py). Each may import names of those before it only.
"""

import os
import time

try:  # The public modules wrap these and cost 5 ms each to import (enum, threading, re).
    import _signal as signal
    import _socket as socket
    import _thread
except ImportError:  # Another Python than CPython.
    import signal
    import socket
    import _thread

VERSION = 1
CHUNK = 1 << 18


class Failure(Exception):
    """The attempt cannot go on for a reason that is not the executor's."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Stopped(Exception):
    """Somebody or a limit wants this attempt to end; `job.stop` says which."""


def utc(seconds=None):
    """RFC 3339 with milliseconds."""
    now = time.time() if seconds is None else seconds
    t = time.gmtime(now)
    return '%04d-%02d-%02dT%02d:%02d:%02d.%03dZ' % (t[:6] + (int(now * 1000) % 1000,))


def log(message):
    """One line of runner.log. Never give it a URL that was not through `shown_url`."""
    try:
        os.write(2, ('%s %s\n' % (utc(), message)).encode('utf-8', 'replace'))
    except OSError:
        pass  # A full disk must not end the task.


def clean_text(data):
    """Bytes of a tool as text that every JSON reader and database takes."""
    return data.decode('utf-8', 'replace').replace('\0', '\ufffd')


def write_file(path, text):
    """Puts a small file in place in one step, so that a reader sees the old one or the new one."""
    part = path + '.part'
    with open(part, 'wb') as file:
        file.write(text.encode())
    os.rename(part, path)


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def below(path, folder):
    return path == folder or path.startswith(folder.rstrip('/') + '/')


def os_text(error):
    return error.strerror or str(error)


def parts_of(path):
    return [part for part in path.split('/') if part not in ('', '.')]


def parent(path):
    return path.rpartition('/')[0] or '/'
