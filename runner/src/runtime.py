"""One container as every runtime understands it, and what the rest of the runner asks of a
runtime."""

import os

from .base import Failure


class ImageAbsent(Failure):
    """Nothing was started, because the image is not there; it may be fetched."""


class Spec:
    """One container, as every runtime understands it."""

    def __init__(self, **fields):
        self.name = self.job = self.server = self.lock = self.image = ''
        self.command, self.env, self.workdir, self.user = [], {}, None, None
        self.network, self.stdin = 'default', False
        self.cpus = self.ram_bytes = None
        self.pids = 4096
        self.binds = []  # (host, path, writable), outer before inner.
        self.live = {}  # Of these paths: what to open, where `opens_live`.
        self.root = []  # bubblewrap: how the root file system is put together.
        self.mark = None  # A file the engine's tool makes when the container is about to start.
        self.node = ''
        self.keep_id = False  # podman without root: be the same uid inside.
        self.__dict__.update(fields)


class Container:
    """A started executor, whatever runs it."""

    def __init__(self, spec):
        self.spec = spec
        self.pid = None
        self.started = False
        self.status_fd = None
        self.status = ''
        self.oom = False
        self.next_look, self.pause = None, 0.3
        self.kills = 0
        self.cgroup = self.gate = self.processes = None  # bubblewrap
        self.told = False  # The server knows that it runs.

    def field(self, name):
        """A number from bwrap's JSON lines."""
        at = self.status.rfind('"%s":' % name)
        if at < 0:
            return None
        digits = ''.join(
            c for c in self.status[at + len(name) + 3 :].lstrip()[:12] if c.isdigit() or c == ' '
        ).split()
        return int(digits[0]) if digits else None


class Runtime:
    """What the rest of the runner asks of a runtime; the defaults suit a process-like one."""

    owner = None
    folder_mode = 0o755

    def __init__(self, job):
        self.job = job
        self.plan = job.plan

    def bury(self, names):
        """Ends what a SIGKILL of the runner leaves alive: nothing, where the kernel ends containers
        with the runner."""

    def image(self, name):
        """What to run for an image's name; None for the check image where there is none."""
        images = self.plan['runtime']['images']
        return images.get(name, images.get('*', name))

    def identity(self):
        """What a container is labelled with."""
        return {
            'job': self.plan['job'],
            'server': self.plan['server'],
            'node': os.uname()[1],
            'lock': self.job.own + '/lock',
        }

    def can_read(self, _path):
        return True

    def opens_live(self):
        """Whether it binds what is open, whatever has its name by then."""
        return False

    def limits(self):
        """Not every runtime can enforce all; docs/runner.md says which."""
        limits = self.plan['limits']
        cpus = limits.get('cpus')
        host_cpus = os.cpu_count() or 1
        return {
            'cpus': min(cpus, host_cpus) if cpus else None,
            'ram_bytes': limits.get('ram_bytes'),
            'pids': limits['pids'],
        }

    def look(self, container):
        """Notices that the container really runs."""

    def tidy(self):
        """Removes what executors left in the runtime; after the report, because it may take a
        while."""


def is_identifier(name):
    return name.isidentifier() and all(ord(c) < 128 for c in name)


def csv_field(text):
    return '"%s"' % text.replace('"', '""') if any(c in text for c in ',"\n\r') else text


IMAGE_LETTERS = frozenset('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/:@+-')


def check_image(image):
    if not image or len(image) > 512 or not image[0].isalnum() or not set(image) <= IMAGE_LETTERS:
        raise Failure('IMAGE_BAD', 'not an image name: %r' % image[:100])
