"""Folders and files of the host, found before a task could change the way to them."""

import errno
import os
import stat

from .base import Failure, parts_of

STEP_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_LINKS = 40


def identity(info):
    return info.st_dev, info.st_ino


def step(name, folder):
    """Opens what has this name to look at it, a link itself too. First as a folder, because that
    mounts what is mounted on demand."""
    try:
        return os.open(name, STEP_FLAGS | os.O_DIRECTORY, dir_fd=folder)
    except NotADirectoryError:
        return os.open(name, STEP_FLAGS, dir_fd=folder)


def reopen(fd, flags):
    """Opens the very thing that was looked at, whatever has its name by now."""
    return os.open('/proc/self/fd/%d' % fd, flags & ~os.O_NOFOLLOW)


def follow_names(fd, names):
    """From an open folder, which it closes, to what lies below it by these names; no link is
    followed."""
    try:
        for name in names:
            deeper = step(name, fd)
            os.close(fd)
            fd = deeper
        if stat.S_ISLNK(os.fstat(fd).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return fd
    except BaseException:
        os.close(fd)
        raise


class Place:
    """A root or mount, known by its real path and held open: a task may have put something else
    there since. `info` is None where it cannot be seen from here."""

    def __init__(self, path, fd=None):
        self.path, self.fd = path, fd
        self.names = parts_of(path)
        self.info = None if fd is None else os.fstat(fd)

    def look(self):
        """What is at the path now, if it is what was there when it was found."""
        fd = follow_names(os.open('/', STEP_FLAGS | os.O_DIRECTORY), self.names)
        if self.info is None or identity(os.fstat(fd)) != identity(self.info):
            os.close(fd)
            raise OSError(errno.ESTALE, 'something else is at %s now' % self.path)
        return fd

    def open(self, flags):
        return opened(self.look(), flags)

    def check(self):
        """Right before somebody else is told the path."""
        if self.info is not None:
            os.close(self.look())


class Inside:
    """What was found below such a place. A task may have a thousand of them: none is held open."""

    def __init__(self, place, names, info=None):
        self.place, self.names, self.info = place, names, info
        self.path = '/' + '/'.join(place.names + names)

    def look(self):
        return follow_names(self.place.look(), self.names)

    def open(self, flags):
        return opened(self.look(), flags)

    def check(self):
        os.close(self.look())


def opened(fd, flags):
    try:
        return reopen(fd, flags)
    finally:
        os.close(fd)


class Replaced(Failure):
    """There is a link where only a task can have put it."""


class Way:
    """How a path of the host was walked: each step from the folder before, links read on the way,
    so that what is open at the end is what was looked at. No link in one of the folders `closed` or
    below is followed. `rest` is what was not found and `error` why."""

    def __init__(self, path, closed=()):
        self.names, self.rest, self.error = [], [], None
        self.fds = [os.open('/', STEP_FLAGS | os.O_DIRECTORY)]
        self.infos = [os.fstat(self.fds[0])]
        try:
            self.walk(path, closed)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        while self.fds:
            os.close(self.fds.pop())

    @property
    def fd(self):
        return self.fds[-1]

    @property
    def info(self):
        return self.infos[-1]

    @property
    def path(self):
        return '/' + '/'.join(self.names)

    def place(self):
        return Place(self.path, os.dup(self.fd))

    def walk(self, path, closed):
        todo, links = parts_of(path)[::-1], 0
        while todo:
            name = todo.pop()
            if name == '..':
                self.back(len(self.names) - 1)
                continue
            try:
                fd = step(name, self.fd)
            except OSError as error:
                self.rest = [name] + todo[::-1]
                self.error = error
                return
            info = os.fstat(fd)
            if not stat.S_ISLNK(info.st_mode):
                self.names.append(name)
                self.fds.append(fd)
                self.infos.append(info)
                continue
            try:
                target = os.readlink('', dir_fd=fd)
            finally:
                os.close(fd)
            links += 1
            if self.passes(closed):
                raise Replaced('BAD_PATH', '%s is a link that a task may have made' % path)
            if links > MAX_LINKS:
                self.rest = [name] + todo[::-1]
                self.error = OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                return
            if target.startswith('/'):
                self.back(0)
            todo += parts_of(target)[::-1]

    def back(self, count):
        while len(self.names) > max(count, 0):
            self.names.pop()
            self.infos.pop()
            os.close(self.fds.pop())

    def passes(self, identities):
        return any(identity(info) in identities for info in self.infos)

    def lies_in(self, identities):
        return any(identity(info) in identities for info in self.infos[:-1])

    def inside(self, places):
        place = self.place_above(places)
        return Inside(place, self.names[len(place.names) :])

    def place_above(self, places, strictly=False):
        """The first of these the way leads to, strictly below it if that is wanted; or None."""
        if '..' in self.rest:
            return None
        for place in places:
            depth = len(place.names)
            if (
                self.names[:depth] == place.names
                and len(self.infos) > depth
                and identity(self.infos[depth]) == identity(place.info)
                and len(self.names) + len(self.rest) >= depth + strictly
            ):
                return place
        return None


class Roots:
    """What the operator opened to tasks, found once, before any container of this attempt runs:
    the folders of `storage`, and the mounts."""

    def __init__(self, job):
        plan = job.plan
        self.job = job
        hosts = [mount['host'] for mount in plan['mounts'] if mount['mode'] == 'rw']
        self.written = set()
        for host in hosts:
            with Way(host) as way:
                if way.error is None:
                    self.written.add(identity(way.info))
        self.live = list(self.storage('live'))
        self.shared = {identity(place.info) for place in self.live}  # Where others plant links.
        self.written |= self.shared
        self.read = list(self.storage('read'))
        self.write = list(self.storage('write'))
        self.mounts = [self.mount(mount['host']) for mount in plan['mounts']]

    def storage(self, key):
        for root in self.job.plan['storage'][key]:
            try:
                with Way(root, self.written) as way:
                    if way.error is None:
                        yield way.place()
            except (OSError, Failure) as error:
                self.job.note('%s is not used: %s' % (root, error))

    def mount(self, host):
        """One that cannot be seen from here is left to the runtime, which may be another user; not
        where tasks could put it."""
        with Way(host, self.written) as way:
            if way.error is None:
                return way.place()
            if way.passes(self.written):
                raise Replaced('BAD_PATH', 'the mount %s is gone: %s' % (host, way.error))
            return Place(host)
