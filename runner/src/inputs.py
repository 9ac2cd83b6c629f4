"""Brings every input into the tree."""

import errno
import os
import stat
import time

from .base import Failure, os_text, parts_of, write_all
from .paths import normal, SYSTEM_FOLDERS
from .host import identity, reopen, step, Way
from .tree import copy_fd, FILE_FLAGS, MAX_DEPTH
from .digests import assert_digest
from .traffic import OverLimit, row_of, Traffic
from .fetches import Fetches, REMOTE
from .pushed import Pushed


def source_of(item, roots):
    """The way to a `mount` input on the host. The literal spelling first: a file may really be
    called `a%20b`."""
    seen = None
    for spelling in item['files']:
        way = Way(spelling)
        try:
            if not spelling.startswith('/') or not way.place_above(roots.read) or not way.names:
                seen = seen or Failure(
                    'INPUT_REFUSED', '%s is not below a folder inputs may be read from' % spelling
                )
            elif way.error:
                seen = Failure('INPUT_FAILED', '%s: %s' % (spelling, os_text(way.error)))
            elif is_file_or_folder(way.info):
                found, way = way, None
                return found
            else:
                raise Failure('INPUT_FAILED', '%s is neither a file nor a folder' % spelling)
        finally:
            if way:
                way.close()
    raise seen or Failure('INPUT_FAILED', 'no file is named')


def is_file_or_folder(info):
    return stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)


def why(item):
    return {'why': item['why']} if item.get('why') else {}


class Inputs:
    """Brings every input into the tree, or shows it there read-only without moving a byte. What
    comes over the network arrives beside the tree in any order; all of it is put into the tree from
    the outside in, so that of one input in another the inner one is what the task finds."""

    def __init__(self, job, tree, layout, runtime):
        self.job, self.tree, self.layout, self.runtime = job, tree, layout, runtime
        self.plan = job.plan
        self.items = sorted(self.plan['inputs'], key=lambda item: len(parts_of(item['path'])))
        self.traffic = Traffic(job, 'input', 'fetching inputs')
        self.covered = set()

    def bring(self):
        with self.traffic, Fetches(self.job, self.traffic, self.items) as fetches:
            fetches.start()
            pushed = Pushed(self.job, self.tree, self.layout, self.traffic)
            for item in self.items:
                path = normal(item['path'], 'input path')
                began = time.monotonic()
                try:
                    if item['method'] in REMOTE:
                        row = self.place(fetches.of(item), path)
                    elif item['method'] == 'push':
                        row = {'size': pushed.bring(item, path)}
                    else:
                        size = getattr(self, item['method'])(item, path)
                        seconds = round(time.monotonic() - began, 3)
                        row = {'size': size, 'seconds': seconds, 'tries': 1}
                except OverLimit:
                    raise
                except Failure as failure:
                    raise Failure(failure.code, 'input %d (%s): %s' % (item['i'], path, failure))
                except OSError as error:
                    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
                    raise Failure(
                        'DISK_FULL' if full else 'INPUT_FAILED',
                        'input %d (%s): %s' % (item['i'], path, os_text(error)),
                    )
                self.job.inputs.append(
                    dict(row, i=item['i'], path=path, method=item['method'], **why(item))
                )

    def place(self, fetched, path):
        """Puts what was fetched into the tree as it arrives."""
        if fetched.folders is not None:
            self.layout.want_folder(path)  # Nothing else binds it.
            self.tree.make_folder(path)
            for names in fetched.folders:
                folder = '/'.join([path] + names)
                if not self.is_covered(folder):
                    self.tree.make_folder(folder)
        for names, part in fetched.arriving():
            file = '/'.join([path] + names)
            if self.is_covered(file):
                os.unlink(part)
            else:
                self.tree.move_in(part, file, 0o644)
        row = row_of(fetched.transfers)
        name, method = 'input %d' % fetched.item['i'], fetched.item['method']
        self.traffic.note(name, method, row)
        return row

    def is_covered(self, path):
        """Whether something else is shown there: a mount, which would keep what is put into it."""
        place = self.tree.place(path)
        if place is not None and place not in self.covered:
            self.covered.add(place)
            self.job.note('left out of an input: what it has in %s, which shows another' % place)
        return place is not None

    def content(self, item, path):
        """Executable, because scripts arrive this way and are started directly."""
        data = item['content'].encode('utf-8')
        self.traffic.use_file(len(data))
        fd = self.tree.create(path, 0o755)
        try:
            write_all(fd, data)
        finally:
            os.close(fd)
        return len(data)

    def mount(self, item, path):
        with source_of(item, self.job.roots) as source:
            is_folder = stat.S_ISDIR(source.info.st_mode)
            if is_folder and path in SYSTEM_FOLDERS:
                raise Failure('BAD_PATH', 'an input folder would hide %s of the image' % path)
            if item.get('check'):
                if is_folder:
                    raise Failure('INPUT_FAILED', '%s is a folder' % item['check']['url'])
                with open(reopen(source.fd, FILE_FLAGS), 'rb', 0) as file:
                    assert_digest(item, file.fileno(), self.job.check)
            if not self.needs_copy(item, path, source):
                if is_folder:
                    self.tree.make_folder(path)
                else:
                    os.close(self.tree.create(path, 0o644))
                self.tree.show(path, source.inside(self.job.roots.read))
                return 0 if is_folder else source.info.st_size
            if is_folder:
                self.layout.want_folder(path)  # Nothing binds its parent: the copy is bound itself.
            return self.copy(reopen(source.fd, FILE_FLAGS), source.path, path, [])

    def needs_copy(self, item, path, source):
        if self.layout.needs_copy(path):
            return True
        if source.lies_in(self.job.roots.written):  # The runtime would be told a path to believe.
            reason = 'tasks may write where it lies'
        elif not self.runtime.can_read(source.path):
            reason = 'executors could not read it where it lies'
        else:
            return False
        self.job.note('input %d is copied: %s' % (item['i'], reason))
        return True

    def copy(self, source, real, path, above):
        """Takes an open file or folder, and closes it; what it was called when it was opened may be
        something else by now."""
        try:
            info = os.fstat(source)
            if self.is_covered(path):
                return 0
            if stat.S_ISDIR(info.st_mode):
                return self.copy_folder(source, real, path, above + [identity(info)])
            self.traffic.use_file(info.st_size)
            target = self.tree.create(path, 0o755 if info.st_mode & 0o111 else 0o644)
            try:
                return copy_fd(source, target, self.job.check)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def copy_folder(self, folder, real, path, above):
        """Links inside are followed as long as they stay below a readable root."""
        if above[-1] in above[:-1]:
            return 0
        if len(above) > MAX_DEPTH + 1:
            raise Failure('INPUT_FAILED', 'a folder of the input is too deep')
        self.tree.make_folder(path)
        size = 0
        for name in sorted(os.listdir(folder)):
            found = self.open_entry(folder, name, real + '/' + name)
            if found is None:
                self.job.note(
                    'left out of the input: %s/%s leads elsewhere or is no file' % (path, name)
                )
            else:
                size += self.copy(*found, path + '/' + name, above)
        return size

    def open_entry(self, folder, name, entry):
        """`(fd, real path)`; None when it leads out of the readable roots or is no file."""
        try:
            fd = step(name, folder)
        except FileNotFoundError:
            return None
        try:
            info = os.fstat(fd)
            if not stat.S_ISLNK(info.st_mode):
                return (reopen(fd, FILE_FLAGS), entry) if is_file_or_folder(info) else None
        finally:
            os.close(fd)
        with Way(entry) as way:
            inside = way.error is None and way.place_above(self.job.roots.read, True)
            if inside and is_file_or_folder(way.info):
                return reopen(way.fd, FILE_FLAGS), way.path
            return None
