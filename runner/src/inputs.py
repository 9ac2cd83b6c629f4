"""Brings every input into the tree."""

import errno
import os
import stat
import time

from .base import Failure, os_text, write_all
from .urls import shown_url
from .paths import allowed_root, normal, SYSTEM_FOLDERS
from .tree import copy_fd, FILE_FLAGS, MAX_DEPTH
from .addresses import Guard
from .transfers import fetch_ftp, fetch_http, Http


def source_of(item, roots):
    """The real host path of a `mount` input. The literal spelling first: a file may really be
    called `a%20b`."""
    seen = None
    for spelling in item['files']:
        real = os.path.realpath(spelling)
        if (
            not spelling.startswith('/')
            or real == '/'
            or not (allowed_root(real, roots) or real in map(os.path.realpath, roots))
        ):
            seen = seen or Failure(
                'INPUT_REFUSED', '%s is not below a folder inputs may be read from' % spelling
            )
            continue
        try:
            info = os.stat(real)
        except OSError as error:
            seen = Failure('INPUT_FAILED', '%s: %s' % (spelling, os_text(error)))
            continue
        if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
            raise Failure('INPUT_FAILED', '%s is neither a file nor a folder' % spelling)
        return real, info
    raise seen or Failure('INPUT_FAILED', 'no file is named')


class Inputs:
    """Brings every input into the tree, or shows it there read-only without moving a byte."""

    def __init__(self, job, tree, layout, runtime):
        self.job, self.tree, self.layout, self.runtime = job, tree, layout, runtime
        self.plan = job.plan
        self.guard = None

    def bring(self):
        for item in self.plan['inputs']:
            path = normal(item['path'], 'input path')
            began = time.monotonic()
            try:
                size = getattr(self, item['method'])(item, path)
            except Failure as failure:
                raise Failure(failure.code, 'input %d (%s): %s' % (item['i'], path, failure))
            except OSError as error:
                code = (
                    'DISK_FULL' if error.errno in (errno.ENOSPC, errno.EDQUOT) else 'INPUT_FAILED'
                )
                raise Failure(code, 'input %d (%s): %s' % (item['i'], path, os_text(error)))
            self.job.inputs.append(
                {
                    'i': item['i'],
                    'path': path,
                    'size': size,
                    'seconds': round(time.monotonic() - began, 3),
                }
            )

    def content(self, item, path):
        """Executable, because scripts arrive this way and are started directly."""
        data = item['content'].encode('utf-8')
        fd = self.tree.create(path, 0o755)
        try:
            write_all(fd, data)
        finally:
            os.close(fd)
        return len(data)

    def mount(self, item, path):
        real, info = source_of(item, self.plan['storage']['read'])
        is_folder = stat.S_ISDIR(info.st_mode)
        if is_folder and path in SYSTEM_FOLDERS:
            raise Failure('BAD_PATH', 'an input folder would hide %s of the image' % path)
        copy = self.layout.needs_copy(path)
        if not copy and not self.runtime.can_read(real):
            self.job.note(
                'input %d is copied: executors could not read it where it lies' % item['i']
            )
            copy = True
        if not copy:
            if is_folder:
                self.tree.make_folder(path)
            else:
                os.close(self.tree.create(path, 0o644))
            self.tree.shown[path] = real
            return 0 if is_folder else info.st_size
        if is_folder:
            self.layout.want_folder(path)  # Nothing binds its parent: the copy is bound itself.
            return self.copy_folder(real, path, [])
        return self.copy_file(real, path)

    def copy_file(self, real, path):
        source = os.open(real, FILE_FLAGS)
        try:
            target = self.tree.create(path, 0o755 if os.fstat(source).st_mode & 0o111 else 0o644)
            try:
                return copy_fd(source, target, self.job.check)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def copy_folder(self, real, path, above):
        """Links inside are followed as long as they stay below a readable root."""
        info = os.stat(real)
        if (info.st_dev, info.st_ino) in above:
            return 0
        if len(above) > MAX_DEPTH:
            raise Failure('INPUT_FAILED', 'a folder of the input is too deep')
        self.tree.make_folder(path)
        size = 0
        for name in sorted(os.listdir(real)):
            entry, target = os.path.realpath(real + '/' + name), path + '/' + name
            if not allowed_root(entry, self.plan['storage']['read']) or not os.path.exists(entry):
                self.job.note('left out of the input: %s leads elsewhere' % target)
            elif os.path.isdir(entry):
                size += self.copy_folder(entry, target, above + [(info.st_dev, info.st_ino)])
            elif os.path.isfile(entry):
                size += self.copy_file(entry, target)
        return size

    def direct(self, item, path):
        url = item['url']
        scheme = url.partition('://')[0].lower()
        if scheme not in ('http', 'https', 'ftp'):
            raise Failure('INPUT_REFUSED', 'this kind of URL is not fetched: ' + shown_url(url))
        if item['type'] == 'DIRECTORY':
            raise Failure('INPUT_FAILED', 'a folder cannot be fetched from ' + shown_url(url))
        self.guard = self.guard or Guard(self.plan)
        part = '%s/part-%d' % (self.job.own, item['i'])
        stall_s = self.plan['limits']['stall_s']
        if scheme == 'ftp':
            size = fetch_ftp(self.job, self.guard, url, part, stall_s)
        else:
            size = fetch_http(self.job, Http(self.guard, stall_s), url, part)
        self.tree.move_in(part, path, 0o644)
        return size
